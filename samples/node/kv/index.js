'use strict';

const shim = require('fabric-shim');

const VERSION = '1';

const functions = {
  async put(stub, [key, value]) {
    await stub.putState(key, Buffer.from(value));
  },
  async get(stub, [key]) {
    const value = await stub.getState(key);
    if (value.length === 0) throw new Error(`${key} does not exist`);
    return value.toString();
  },
  async range(stub, [from, to]) {
    const found = [];
    for await (const { key, value } of stub.getStateByRange(from, to)) {
      found.push(`${key}=${value.toString()}`);
    }
    return found.join(' ');
  },
  async version() {
    return VERSION;
  },
};

/** A key-value chaincode: put, get, range, version. */
class KV {
  async Init() {
    return shim.success();
  }

  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (!Object.hasOwn(functions, fcn)) return shim.error(`unknown function: ${fcn}`);
    try {
      return shim.success(Buffer.from(await functions[fcn](stub, params) ?? ''));
    } catch (e) {
      return shim.error(e.message);
    }
  }
}

shim.start(new KV());
