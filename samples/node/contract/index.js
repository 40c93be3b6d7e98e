'use strict';

const { Contract } = require('fabric-contract-api');

/** Notes by name: write, read. */
class NoteContract extends Contract {
  constructor() {
    super('NoteContract');
  }

  async init() {}

  async write(ctx, name, text) {
    const author = ctx.clientIdentity.getMSPID();
    await ctx.stub.putState(name, Buffer.from(JSON.stringify({ author, text })));
  }

  async read(ctx, name) {
    const note = await ctx.stub.getState(name);
    if (note.length === 0) throw new Error(`there is no note ${name}`);
    return note.toString();
  }
}

module.exports.contracts = [NoteContract];
