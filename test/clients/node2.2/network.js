// What the programs here share: the network they are run against, and how to enter it. The Go test that runs a program says in its
// environment where the network's directory is, and answers requests to stop and start nodes.
'use strict';

const fs = require('fs');
const path = require('path');
const node = require('node:test');
const {DefaultEventHandlerStrategies, Gateway, Wallets} = require('fabric-network');

const dir = process.env.HEDDLE_NETWORK;
const channelName = 'mychannel';
const orgs = ['org1', 'org2'];
const peers = {org1: 'peer0.org1.example.com', org2: 'peer0.org2.example.com'};
const orderer = 'orderer.example.com';

const test = (name, run) => node.test(name, {timeout: 120000}, run);

// requestTimeout, in ms, leaves peers the time to build and start a chaincode on a busy machine.
const requestTimeout = 60000;

const file = (...names) => path.join(dir, ...names);

const profile = org => JSON.parse(fs.readFileSync(file('profiles', org + '.json')));

const wallet = () => Wallets.newFileSystemWallet(file('wallet'));

// connect enters the network as a user such as org1-user1 and ends with the test t. If the options do not say otherwise, a transaction is
// over when all peers have it: the next one is endorsed by all.
async function connect(t, user, options = {}) {
	const gateway = new Gateway();
	await gateway.connect(profile(user.split('-')[0]), {
		wallet: await wallet(), identity: user, discovery: {enabled: false},
		clientTlsIdentity: process.env.HEDDLE_MUTUAL_TLS ? user + '-tls' : undefined,
		eventHandlerOptions: {strategy: DefaultEventHandlerStrategies.NETWORK_SCOPE_ALLFORTX},
		...options,
	});
	t.after(() => gateway.disconnect());
	return gateway;
}

// contract connects and returns the network and the contract asset.
async function contract(t, user = 'org1-user1', options = {}) {
	const network = await (await connect(t, user, options)).getNetwork(channelName);
	return {network, asset: network.getContract('asset')};
}

// control asks the test around this program to stop or start a node.
async function control(verb, name) {
	const answer = await fetch(`${process.env.HEDDLE_CONTROL}/${verb}/${name}`, {method: 'POST'});
	if (!answer.ok) {
		throw new Error(await answer.text());
	}
}

async function restart(name) {
	await control('stop', name);
	await control('start', name);
}

// until waits for a condition, which may be asynchronous.
async function until(what, condition, seconds = 100) {
	for (const end = Date.now() + seconds * 1000; ;) {
		if (await condition()) {
			return;
		}
		if (Date.now() > end) {
			throw new Error('still waiting: ' + what);
		}
		await new Promise(resolve => setTimeout(resolve, 20));
	}
}

module.exports = {channelName, connect, contract, control, file, orderer, orgs, peers, profile, requestTimeout, restart, test, until, wallet};
