// Transactions, queries and the event hub of fabric-client 1.4.
'use strict';

const assert = require('assert');
const {channelName, connected, enter, peers, submit, succeeded, test} = require('./network');

// endorse calls asset on both peers.
async function endorse(client, channel, fcn, ...args) {
	const txId = client.newTransactionID();
	return {txId, endorsed: succeeded(await channel.sendTransactionProposal({chaincodeId: 'asset', fcn, args, txId}, 60000))};
}

async function invoke(client, channel, fcn, ...args) {
	const {txId, endorsed} = await endorse(client, channel, fcn, ...args);
	return {id: txId.getTransactionID(), code: await submit(channel, endorsed, txId)};
}

test('invoke and query', async () => {
	const client = await enter('org1-user1');
	const channel = client.getChannel(channelName);
	assert.strictEqual((await invoke(client, channel, 'put', 'old', 'Anna', '7')).code, 'VALID');
	const query = (fcn, ...args) => channel.queryByChaincode({chaincodeId: 'asset', fcn, args, targets: [peers.org1]});
	assert.strictEqual((await query('get', 'old'))[0].toString(), '{"id":"old","owner":"Anna","value":7}');
	assert.strictEqual((await query('whoami'))[0].toString(), 'Org1MSP User1@org1.example.com');
	assert.match((await query('get', 'nothing'))[0].message, /asset nothing does not exist/);
});

test('initialize reads the configuration', async () => {
	const client = await enter('org1-user1');
	const channel = client.getChannel(channelName);
	await channel.initialize({discover: false, target: peers.org1});
	assert.deepStrictEqual(channel.getOrganizations().map(o => o.id).sort(), ['Org1MSP', 'Org2MSP']);
	const {endorsed} = await endorse(client, channel, 'get', 'old');
	assert.ok(endorsed.proposalResponses.every(r => channel.verifyProposalResponse(r)));
	assert.ok(channel.compareProposalResponseResults(endorsed.proposalResponses));
});

test('conflicts and policies', async () => {
	const client = await enter('org1-user1');
	const channel = client.getChannel(channelName);
	await invoke(client, channel, 'put', 'vase', 'Anna', '1');
	const both = [await endorse(client, channel, 'transfer', 'vase', 'Boris'), await endorse(client, channel, 'transfer', 'vase', 'Carl')];
	assert.strictEqual(await submit(channel, both[0].endorsed, both[0].txId), 'VALID');
	assert.strictEqual(await submit(channel, both[1].endorsed, both[1].txId), 'MVCC_READ_CONFLICT');
	const txId = client.newTransactionID();
	const alone = succeeded(await channel.sendTransactionProposal({chaincodeId: 'asset', fcn: 'put', args: ['lonely', 'Anna', '1'], txId, targets: [peers.org1]}));
	assert.strictEqual(await submit(channel, alone, txId), 'ENDORSEMENT_POLICY_FAILURE');
});

test('the ledger, by qscc', async () => {
	const client = await enter('org1-user1');
	const channel = client.getChannel(channelName);
	const {id} = await invoke(client, channel, 'put', 'ledger', 'Anna', '1');
	const block = await channel.queryBlockByTxID(id, peers.org1);
	assert.deepStrictEqual(await channel.queryBlock(Number(block.header.number), peers.org1), block);
	const info = await channel.queryInfo(peers.org1);
	assert.deepStrictEqual(await channel.queryBlockByHash(info.currentBlockHash, peers.org1), await channel.queryBlock(Number(info.height) - 1, peers.org1));
	const transaction = await channel.queryTransaction(id, peers.org1);
	assert.strictEqual(transaction.validationCode, 0);
	assert.strictEqual(transaction.transactionEnvelope.payload.header.channel_header.tx_id, id);
});

for (const full_block of [true, false]) {
	test('the event hub, ' + (full_block ? 'full blocks' : 'filtered blocks'), async () => {
		const client = await enter('org1-user1');
		const channel = client.getChannel(channelName);
		const blocks = [], events = [], errors = [];
		const replay = channel.newChannelEventHub(peers.org1), live = channel.newChannelEventHub(peers.org1);
		replay.registerBlockEvent(block => blocks.push(Number(full_block ? block.header.number : block.number)), e => errors.push(e), {startBlock: 0});
		live.registerChaincodeEvent('asset', 'put', (event, number, txId, code) => events.push({event, txId, code, number: Number(number)}), e => errors.push(e));
		for (const hub of [replay, live]) {
			await connected(hub, {full_block});
		}
		const {id} = await invoke(client, channel, 'put', 'hub' + full_block, 'Anna', '1');
		const mine = () => events.find(e => e.txId === id);
		while (!mine() || blocks.length <= mine().number) {
			await new Promise(resolve => setTimeout(resolve, 20));
		}
		assert.deepStrictEqual(errors, []);
		assert.deepStrictEqual(blocks, blocks.map((_, i) => i));
		const {event, code} = mine();
		assert.strictEqual(code, 'VALID');
		assert.strictEqual(Boolean(event.payload && event.payload.length), full_block);
		replay.disconnect();
		live.disconnect();
	});
}

test('discovery is refused in words', async () => {
	const client = await enter('org1-user1');
	await assert.rejects(client.queryPeers({target: peers.org1}), /this peer has no discovery service/);
	await assert.rejects(client.getChannel(channelName).initialize({discover: true, target: peers.org1}), /this peer has no discovery service|UNIMPLEMENTED/);
});
