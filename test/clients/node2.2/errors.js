// What fabric-network tells its callers when something is refused, invalid or late.
'use strict';

const assert = require('assert');
const {channelName, connect, contract, control, orderer, peers, requestTimeout, test, until, wallet} = require('./network');

// failure is the error of a call that must fail.
async function failure(promise) {
	try {
		await promise;
	} catch (error) {
		return error;
	}
	assert.fail('it did not fail');
}

test('the chaincode says no', async t => {
	const {asset} = await contract(t);
	assert.strictEqual((await failure(asset.submitTransaction('transfer', 'nothing', 'Anna'))).message,
		'No valid responses from any peers. Errors:\n' +
		`    peer=${peers.org1}, status=500, message=asset nothing does not exist\n` +
		`    peer=${peers.org2}, status=500, message=asset nothing does not exist`);
	assert.match((await failure(asset.evaluateTransaction('nonsense'))).message, /unknown function: nonsense/);
});

test('there is no such chaincode', async t => {
	const {network} = await contract(t);
	assert.match((await failure(network.getContract('nothing').evaluateTransaction('get'))).message,
		/make sure the chaincode nothing has been successfully instantiated and try again: chaincode nothing not found/);
});

test('the channel does not know the client', async t => {
	const identity = await (await wallet()).get('org1-user1');
	const {asset} = await contract(t, 'org1-user1', {identity: {...identity, mspId: 'Org9MSP'}});
	assert.match((await failure(asset.submitTransaction('put', 'x', 'Anna', '1'))).message, /access denied: channel \[mychannel\] creator org \[Org9MSP\]/);
});

test('two transactions read the same version', async t => {
	const {network, asset} = await contract(t);
	await asset.submitTransaction('put', 'vase', 'Anna', '1');
	// Both are endorsed before either is ordered.
	const endorsed = [];
	for (const owner of ['Boris', 'Carl']) {
		const identity = network.getGateway().identityContext;
		const endorsement = network.getChannel().newEndorsement('asset');
		endorsement.build(identity, {fcn: 'transfer', args: ['vase', owner]});
		endorsement.sign(identity);
		await endorsement.send({targets: network.getChannel().getEndorsers(), requestTimeout});
		const commit = endorsement.newCommit();
		commit.build(identity);
		commit.sign(identity);
		endorsed.push({commit, id: endorsement.getTransactionId()});
	}
	const statuses = {};
	await network.addBlockListener(async event => {
		for (const transaction of event.getTransactionEvents()) {
			statuses[transaction.transactionId] = transaction.status;
		}
	}, {startBlock: 0});
	for (const {commit} of endorsed) {
		assert.strictEqual((await commit.send({targets: network.getChannel().getCommitters(), requestTimeout})).status, 'SUCCESS');
	}
	await until('both are committed', () => endorsed.every(({id}) => statuses[id]));
	assert.deepStrictEqual(endorsed.map(({id}) => statuses[id]), ['VALID', 'MVCC_READ_CONFLICT']);
	assert.strictEqual(JSON.parse(await asset.evaluateTransaction('get', 'vase')).owner, 'Boris');
});

test('many change one asset: each is committed or a TransactionError', async t => {
	const {asset} = await contract(t);
	await asset.submitTransaction('put', 'ball', 'Anna', '1');
	const ends = await Promise.all(Array.from({length: 20}, (_, i) => {
		const transaction = asset.createTransaction('put');
		return transaction.submit('ball', 'Anna', String(i)).then(() => 'VALID', error => {
			assert.strictEqual(error.name, 'TransactionError', error.stack);
			assert.strictEqual(error.transactionId, transaction.getTransactionId());
			assert.match(error.message, new RegExp(`^Commit of transaction ${error.transactionId} failed on peer .* with status ${error.transactionCode}$`));
			return error.transactionCode;
		});
	}));
	// A policy fails where the peers had different states when they endorsed.
	assert.deepStrictEqual(ends.filter(code => !['VALID', 'MVCC_READ_CONFLICT', 'ENDORSEMENT_POLICY_FAILURE'].includes(code)), []);
	assert.ok(ends.includes('VALID') && ends.some(code => code !== 'VALID'), ends.join());
});

test('one organisation endorsed where two must', async t => {
	const {asset} = await contract(t);
	const error = await failure(asset.createTransaction('put').setEndorsingOrganizations('Org1MSP').submit('lonely', 'Anna', '1'));
	assert.strictEqual(error.name, 'TransactionError', error.stack);
	assert.strictEqual(error.transactionCode, 'ENDORSEMENT_POLICY_FAILURE');
});

test('endorsing takes too long', async t => {
	const {asset} = await contract(t, 'org1-user1', {eventHandlerOptions: {endorseTimeout: 1}});
	await control('pause', peers.org2);
	const error = await failure(asset.createTransaction('put').setEndorsingOrganizations('Org2MSP')
		.submit('late', 'Anna', '1').finally(() => control('resume', peers.org2)));
	assert.match(error.message, /REQUEST TIMEOUT/);
});

test('committing takes too long', async t => {
	const {asset} = await contract(t, 'org1-user1', {eventHandlerOptions: {commitTimeout: 0.001}});
	const transaction = asset.createTransaction('put');
	const error = await failure(transaction.submit('late', 'Anna', '1'));
	assert.strictEqual(error.name, 'TimeoutError', error.stack);
	assert.strictEqual(error.transactionId, transaction.getTransactionId());
});

// A submission that fails after its endorsement leaves the timer of its commit running, and with it the program.
const briefly = {eventHandlerOptions: {commitTimeout: 5}};

test('a peer is away', async t => {
	const {asset} = await contract(t, 'org1-user1', briefly);
	await control('stop', peers.org2);
	const error = await failure(asset.submitTransaction('put', 'half', 'Anna', '1'));
	await control('start', peers.org2);
	assert.match(error.message, new RegExp(`UNAVAILABLE|is not connected|${peers.org2}|ENDORSEMENT_POLICY_FAILURE`));
	await (await contract(t)).asset.submitTransaction('put', 'whole', 'Anna', '1');
});

test('the orderer is away', async t => {
	const {asset} = await contract(t, 'org1-user1', briefly);
	await control('stop', orderer);
	const error = await failure(asset.submitTransaction('put', 'half', 'Anna', '1'));
	await control('start', orderer);
	assert.match(error.message, /not connected|SERVICE UNAVAILABLE/);
	await (await contract(t)).asset.submitTransaction('put', 'whole', 'Anna', '2');
});

test('discovery is refused in words', async t => {
	const gateway = await connect(t, 'org1-user1', {discovery: {enabled: true, asLocalhost: false}});
	assert.match((await failure(gateway.getNetwork(channelName))).message, /UNIMPLEMENTED: this peer has no discovery service/);
});
