// What the programs here share: clients of the network that HEDDLE_NETWORK names.
'use strict';

const fs = require('fs');
const path = require('path');
const node = require('node:test');
const Client = require('fabric-client');

const file = (...names) => path.join(process.env.HEDDLE_NETWORK, ...names);
const peers = {org1: 'peer0.org1.example.com', org2: 'peer0.org2.example.com'};
const channelName = 'mychannel';

const test = (name, run) => node.test(name, {timeout: 120000}, run);

const entry = label => JSON.parse(fs.readFileSync(file('wallet', label + '.id')));

// enter is a client with the connection profile of a user's organisation, such as org1-user1; its administrator is in the profile.
async function enter(user) {
	const client = new Client();
	const tls = entry(user + '-tls').credentials;
	client.setTlsClientCertAndKey(tls.certificate, tls.privateKey);
	client.loadFromConfig(file('profiles', user.split('-')[0] + '.yaml'));
	const {credentials, mspId} = entry(user);
	await client.createUser({
		username: user, mspid: mspId, skipPersistence: true,
		cryptoContent: {privateKeyPEM: credentials.privateKey, signedCertPEM: credentials.certificate},
	});
	return client;
}

// succeeded holds the answers to a proposal against what must come back, and returns what sendTransaction wants.
function succeeded([proposalResponses, proposal]) {
	for (const r of proposalResponses) {
		if (r instanceof Error) {
			throw r;
		}
		if (r.response.status !== 200) {
			throw new Error(r.response.message);
		}
	}
	return {proposalResponses, proposal};
}

const connected = (hub, options = {}) => new Promise((resolve, reject) => hub.connect(options, error => error ? reject(error) : resolve()));

// committed waits for a transaction on an event hub, which then disconnects.
function committed(hub, txId) {
	return new Promise((resolve, reject) =>
		hub.registerTxEvent(txId.getTransactionID(), (id, code) => resolve(code), reject, {unregister: true, disconnect: true}));
}

// submit sends what was endorsed and returns the code that the transaction ended with, once all peers have it: the next one is endorsed by all.
async function submit(channel, endorsed, txId) {
	const ends = [];
	for (const peer of Object.values(peers)) {
		const hub = channel.newChannelEventHub(peer);
		ends.push(committed(hub, txId));
		await connected(hub);
	}
	const answer = await channel.sendTransaction({...endorsed, txId}, 60000);
	if (answer.status !== 'SUCCESS') {
		throw new Error(answer.status + ' ' + answer.info);
	}
	const codes = await Promise.all(ends);
	if (codes[0] !== codes[1]) {
		throw new Error('the peers do not agree: ' + codes);
	}
	return codes[0];
}

module.exports = {channelName, connected, enter, file, peers, submit, succeeded, test};
