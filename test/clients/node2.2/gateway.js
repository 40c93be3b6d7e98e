// Transactions by fabric-network: submit, evaluate, transient data, and every strategy for commit events and for queries.
'use strict';

const assert = require('assert');
const {DefaultEventHandlerStrategies, DefaultQueryHandlerStrategies} = require('fabric-network');
const {contract, orgs, peers, requestTimeout, test} = require('./network');

const get = async (asset, id) => JSON.parse(await asset.evaluateTransaction('get', id));

test('submit and evaluate', async t => {
	const {asset} = await contract(t);
	await asset.submitTransaction('put', 'rug', 'Anna', '120');
	assert.deepStrictEqual(await get(asset, 'rug'), {id: 'rug', owner: 'Anna', value: 120});
	const changed = await asset.submitTransaction('transfer', 'rug', 'Böris');
	assert.strictEqual(changed.toString(), '', 'transfer answers with nothing');
	assert.strictEqual((await get(asset, 'rug')).owner, 'Böris');
	const [first, second] = JSON.parse(await asset.evaluateTransaction('history', 'rug'));
	assert.notStrictEqual(first.txid, second.txid);
});

test('each user is who they are', async t => {
	for (const [user, name] of [['org1-user1', 'Org1MSP User1@org1.example.com'], ['org2-admin', 'Org2MSP Admin@org2.example.com']]) {
		const {asset} = await contract(t, user);
		assert.strictEqual((await asset.evaluateTransaction('whoami')).toString(), name);
	}
});

test('transient data', async t => {
	const {asset} = await contract(t);
	await asset.submitTransaction('put', 'chest', 'Anna', '1');
	await asset.createTransaction('seal').setTransient({secret: Buffer.from('sesame')}).submit('chest');
	const check = secret => asset.createTransaction('check').setTransient({secret: Buffer.from(secret)}).evaluate('chest');
	assert.strictEqual((await check('sesame')).toString(), 'true');
	assert.strictEqual((await check('mustard')).toString(), 'false');
});

test('a transaction under way is serialized and resumed', async t => {
	const {asset} = await contract(t);
	const state = asset.createTransaction('put').serialize();
	const resumed = asset.deserializeTransaction(state);
	assert.strictEqual(resumed.getTransactionId(), JSON.parse(state.toString()).transactionId);
	await resumed.submit('carpet', 'Carl', '7');
	assert.strictEqual((await get(asset, 'carpet')).value, 7);
});

// seen asks one peer for the value of an asset.
async function seen(network, org, id) {
	const query = network.getChannel().newQuery('asset');
	query.build(network.getGateway().identityContext, {fcn: 'get', args: [id]});
	query.sign(network.getGateway().identityContext);
	const {responses, errors} = await query.send({targets: [network.getChannel().getEndorser(peers[org])], requestTimeout});
	assert.deepStrictEqual(errors, []);
	return JSON.parse(responses[0].response.payload).value;
}

// Where a strategy that waits for all peers in its scope promises that the transaction is committed.
const promised = {MSPID_SCOPE_ALLFORTX: ['org1'], PREFER_MSPID_SCOPE_ALLFORTX: ['org1'], NETWORK_SCOPE_ALLFORTX: orgs};

for (const [name, strategy] of Object.entries(DefaultEventHandlerStrategies)) {
	test('commit strategy ' + name, async t => {
		const {network, asset} = await contract(t, 'org1-user1', {eventHandlerOptions: {strategy, commitTimeout: 30, endorseTimeout: 30}});
		for (let value = 1; value <= 3; value++) {
			await asset.submitTransaction('put', name + value, 'Anna', String(value));
			for (const org of promised[name] || []) {
				assert.strictEqual(await seen(network, org, name + value), value);
			}
		}
	});
}

for (const [name, strategy] of Object.entries(DefaultQueryHandlerStrategies)) {
	test('query strategy ' + name, async t => {
		const {asset} = await contract(t, 'org2-user1', {queryHandlerOptions: {strategy, timeout: 10}});
		for (let i = 0; i < 3; i++) {
			assert.match((await asset.evaluateTransaction('whoami')).toString(), /^Org2MSP/);
		}
	});
}

test('many at once', async t => {
	const {asset} = await contract(t);
	await asset.submitTransaction('put', 'bulk', 'Anna', '1'); // a connection's first one starts its events; those beside it would not wait for that
	const ids = Array.from({length: 100}, (_, i) => 'bulk' + String(i).padStart(3, '0'));
	await Promise.all(ids.map((id, i) => asset.submitTransaction('put', id, 'Anna', String(i))));
	assert.deepStrictEqual(JSON.parse(await asset.evaluateTransaction('range', 'bulk0', 'bulk~')).map(a => a.id), ids);
});
