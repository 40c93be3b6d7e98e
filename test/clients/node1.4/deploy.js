// The lifecycle of 1.4 and the work on channels by fabric-client 1.4, which packages the chaincode itself.
'use strict';

const assert = require('assert');
const fs = require('fs');
const {channelName, enter, file, peers, submit, succeeded, test} = require('./network');

process.env.GOPATH = file('gopath');

const policy = {
	identities: ['Org1MSP', 'Org2MSP'].map(mspId => ({role: {name: 'peer', mspId}})),
	policy: {'2-of': [{'signed-by': 0}, {'signed-by': 1}]},
};

for (const chaincodeVersion of ['1.0', '2.0']) {
	test('install asset ' + chaincodeVersion, async () => {
		for (const org of ['org1', 'org2']) {
			const client = await enter(org + '-user1');
			const request = {chaincodePath: 'example.com/asset', chaincodeId: 'asset', chaincodeVersion, targets: [peers[org]], txId: client.newTransactionID(true)};
			succeeded(await client.installChaincode(request));
			const [[again]] = await client.installChaincode({...request, txId: client.newTransactionID(true)});
			assert.match(again.message || again.response.message, /chaincodes\/asset\..\.0 exists/);
			const {chaincodes} = await client.queryInstalledChaincodes(peers[org], true);
			assert.ok(chaincodes.some(c => c.name === 'asset' && c.version === chaincodeVersion && c.path === 'example.com/asset'));

			const [[refused]] = await client.installChaincode({...request, chaincodeVersion: '9', txId: client.newTransactionID()});
			assert.match(refused.message || refused.response.message, /access denied for \[install\]/);
		}
	});
}

for (const [verb, chaincodeVersion] of [['sendInstantiateProposal', '1.0'], ['sendUpgradeProposal', '2.0']]) {
	test(verb, async () => {
		const client = await enter('org1-user1');
		const channel = client.getChannel(channelName);
		const txId = client.newTransactionID(true);
		const endorsed = succeeded(await channel[verb]({
			targets: [peers.org1], chaincodeId: 'asset', chaincodeVersion, fcn: 'init', args: ['rug' + chaincodeVersion, 'Anna', '120'],
			'endorsement-policy': policy, txId,
		}, 60000));
		assert.strictEqual(await submit(channel, endorsed, txId), 'VALID');
		const {chaincodes} = await channel.queryInstantiatedChaincodes(peers.org1, true);
		assert.deepStrictEqual(chaincodes.map(c => [c.name, c.version]), [['asset', chaincodeVersion]]);
	});
}

test('create a channel, join it, update it', async () => {
	const clients = [await enter('org1-admin'), await enter('org2-admin')];
	const [client] = clients;
	const configure = async (verb, transaction) => {
		const config = client.extractChannelConfig(fs.readFileSync(file('channel', transaction)));
		return client[verb]({
			name: 'second', orderer: 'orderer.example.com', config, signatures: clients.map(c => c.signChannelConfig(config)),
			txId: client.newTransactionID(true),
		});
	};
	assert.strictEqual((await configure('createChannel', 'second.tx')).status, 'SUCCESS');
	for (const [i, org] of ['org1', 'org2'].entries()) {
		const channel = clients[i].newChannel('second');
		channel.addOrderer(clients[i].getOrderer('orderer.example.com'));
		let block;
		while (!block) { // the orderer may not have made it yet
			block = await channel.getGenesisBlock({txId: clients[i].newTransactionID(true)}).catch(() => undefined);
		}
		succeeded([await channel.joinChannel({targets: [clients[i].getPeer(peers[org])], block, txId: clients[i].newTransactionID(true)}, 30000)]);
		const {channels} = await clients[i].queryChannels(peers[org], true);
		assert.deepStrictEqual(channels.map(c => c.channel_id).sort(), [channelName, 'second']);
	}
	assert.strictEqual((await configure('updateChannel', 'anchors.tx')).status, 'SUCCESS');
	const channel = client.getChannel('second'), peer = client.getPeer(peers.org1);
	while (Number((await channel.queryInfo(peer, true)).height) < 2) {
		await new Promise(resolve => setTimeout(resolve, 20));
	}
	const config = await channel.getChannelConfig(peer);
	assert.strictEqual(config.config.sequence.toString(), '2');
});
