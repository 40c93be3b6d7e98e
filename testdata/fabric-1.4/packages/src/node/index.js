'use strict';
const shim = require('fabric-shim');
const ops = require('./lib/ops');

class KV {
  async Init() { return shim.success(Buffer.from('init done')); }
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (!ops[fcn]) return shim.error('unknown function: ' + fcn);
    try { return shim.success(await ops[fcn](stub, params)); } catch (e) { return shim.error(e); }
  }
}
shim.start(new KV());
