'use strict';
module.exports = {
  put: (stub, [k, v]) => stub.putState(k, Buffer.from(v)),
  get: (stub, [k]) => stub.getState(k),
  del: (stub, [k]) => stub.deleteState(k),
};
