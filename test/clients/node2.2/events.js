// Events by fabric-network: of a contract and of blocks, live and replayed, over restarts of peers.
'use strict';

const assert = require('assert');
const {common} = require('fabric-protos');
const {channelName, contract, peers, restart, test, until} = require('./network');

const puts = async (asset, prefix, from, to) => {
	for (let i = from; i < to; i++) {
		await asset.submitTransaction('put', prefix + i, 'Anna', String(i));
	}
};

// Listening without a start, a client sees the newest block first, which is older than what these tests do.

test('contract events, live', async t => {
	const {asset} = await contract(t);
	const seen = [];
	await asset.addContractListener(async event => {
		if (JSON.parse(event.payload).id.startsWith('live')) {
			seen.push(event);
		}
	});
	await puts(asset, 'live', 0, 3);
	await until('three events', () => seen.length >= 3);
	assert.deepStrictEqual(seen.map(e => [e.eventName, e.chaincodeId, JSON.parse(e.payload).id]),
		[0, 1, 2].map(i => ['put', 'asset', 'live' + i]));
	const transaction = seen[0].getTransactionEvent();
	assert.ok(transaction.isValid);
	assert.strictEqual(transaction.status, 'VALID');
	assert.strictEqual(transaction.getContractEvents().length, 1);
});

test('contract events, filtered, come without payload', async t => {
	const {asset} = await contract(t);
	const seen = [];
	await asset.addContractListener(async event => seen.push(event), {type: 'filtered'});
	const transaction = asset.createTransaction('put');
	await transaction.submit('thin', 'Anna', '1');
	const mine = () => seen.find(e => e.getTransactionEvent().transactionId === transaction.getTransactionId());
	await until('the event', mine);
	assert.strictEqual(mine().eventName, 'put');
	assert.ok(!mine().payload || mine().payload.length === 0);
});

for (const type of ['full', 'filtered']) {
	test('block events, ' + type, async t => {
		const {network, asset} = await contract(t);
		const live = [], replayed = [];
		const listener = await network.addBlockListener(async event => live.push(...event.getTransactionEvents()), {type});
		const transaction = asset.createTransaction('put');
		await transaction.submit('block' + type, 'Anna', '1');
		const mine = () => live.find(e => e.transactionId === transaction.getTransactionId());
		await until('the transaction', mine);
		assert.strictEqual(mine().status, 'VALID');
		assert.strictEqual(mine().getContractEvents()[0].eventName, 'put');
		network.removeBlockListener(listener);

		await network.addBlockListener(async event => replayed.push(event), {type, startBlock: 0});
		const last = Number(mine().getBlockEvent().blockNumber);
		await until('all blocks from the first', () => replayed.length > last);
		assert.deepStrictEqual(replayed.map(e => Number(e.blockNumber)), replayed.map((_, i) => i));
		if (type === 'full') {
			assert.strictEqual(replayed[0].blockData.data.data[0].payload.header.channel_header.typeString, 'CONFIG');
		}
	});
}

// A listener whose peer restarts goes on where it was: nothing twice, nothing left out.
test('block events over a restart of the peer', async t => {
	const {network, asset} = await contract(t);
	const numbers = [];
	await network.addBlockListener(async event => numbers.push(Number(event.blockNumber)), {startBlock: 0});
	await puts(asset, 'before', 0, 2);
	await until('the blocks before', () => numbers.length > 2);
	await restart(peers.org1);
	const {asset: again} = await contract(t);
	await puts(again, 'after', 0, 2);
	const last = await lastBlock(t);
	await until('the blocks after', () => numbers.includes(last));
	assert.deepStrictEqual(numbers, numbers.map((_, i) => i));
});

// lastBlock asks qscc.
async function lastBlock(t) {
	const {network} = await contract(t);
	const info = common.BlockchainInfo.decode(await network.getContract('qscc').evaluateTransaction('GetChainInfo', channelName));
	return Number(info.height) - 1;
}
