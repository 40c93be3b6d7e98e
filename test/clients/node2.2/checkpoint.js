// A client that dies among its events and is started again, with checkpoints in files. `checkpoint.js die` causes five events and handles
// two of them; `checkpoint.js resume` causes two more and goes on: each event is handled once and in order, and no block is left out.
'use strict';

const assert = require('assert');
const fs = require('fs');
const {DefaultCheckpointers} = require('fabric-network');
const {contract, file, test, until} = require('./network');

const dies = process.argv[2] === 'die';
const [from, to] = dies ? [0, 5] : [5, 7];
const handled = name => JSON.parse(fs.existsSync(file(name)) ? fs.readFileSync(file(name)) : '[]');

// once makes a listener that notes down what it handles and, in a client that dies, never ends handling the third.
function once(name) {
	let count = 0;
	return async what => {
		if (dies && count === 2) {
			await new Promise(() => {});
		}
		count++;
		fs.writeFileSync(file(name), JSON.stringify(handled(name).concat(what)));
	};
}

for (const type of ['full', 'filtered']) {
	test('contract events with checkpoints, ' + type, async t => {
		const {asset} = await contract(t);
		const name = 'handled-contract-' + type;
		const handle = once(name);
		await asset.addContractListener(event => handle(event.getTransactionEvent().transactionId),
			{type, checkpointer: await DefaultCheckpointers.file(file('checkpoint-contract-' + type))});
		for (let i = from; i < to; i++) {
			await asset.submitTransaction('put', type + i, 'Anna', '1');
		}
		if (dies) {
			return until('two events', () => handled(name).length === 2);
		}
		const expected = [];
		for (let i = 0; i < to; i++) {
			expected.push(JSON.parse(await asset.evaluateTransaction('history', type + i))[0].txid);
		}
		await until('the last event', () => handled(name).includes(expected[to - 1]));
		assert.deepStrictEqual(handled(name).filter(id => expected.includes(id)), expected);
	});

	test('block events with checkpoints, ' + type, async t => {
		const {network, asset} = await contract(t);
		const name = 'handled-blocks-' + type;
		const handle = once(name);
		await network.addBlockListener(event => handle(Number(event.blockNumber)),
			{type, checkpointer: await DefaultCheckpointers.file(file('checkpoint-blocks-' + type))});
		for (let i = from; i < to; i++) {
			await asset.submitTransaction('put', 'block' + i, 'Anna', '1');
		}
		await until('blocks', () => handled(name).length >= (dies ? 2 : to));
		const numbers = handled(name);
		assert.deepStrictEqual(numbers, numbers.map((_, i) => numbers[0] + i));
	});
}
