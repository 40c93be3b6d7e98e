// Offline signing by fabric-common: what is to be signed leaves this program as bytes, and a signature made elsewhere comes back.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const {Client, User} = require('fabric-common');
const {channelName, file, orderer, peers, profile, requestTimeout, test} = require('./network');

const {credentials} = JSON.parse(fs.readFileSync(file('wallet', 'org1-user1.id')));
const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

// signElsewhere is the safe that has the key. Fabric takes the smaller of the two possible signatures alone.
function signElsewhere(bytes) {
	const raw = crypto.sign('sha256', bytes, {key: credentials.privateKey, dsaEncoding: 'ieee-p1363'});
	let s = BigInt('0x' + raw.subarray(32).toString('hex'));
	if (s > order / 2n) {
		s = order - s;
	}
	const integer = bytes => {
		bytes = Buffer.from(bytes);
		while (bytes.length > 1 && bytes[0] === 0) {
			bytes = bytes.subarray(1);
		}
		const positive = bytes[0] & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
		return Buffer.concat([Buffer.of(2, positive.length), positive]);
	};
	const both = Buffer.concat([integer(raw.subarray(0, 32)), integer(Buffer.from(s.toString(16).padStart(64, '0'), 'hex'))]);
	return Buffer.concat([Buffer.of(0x30, both.length), both]);
}

// enter connects to all nodes as a user whose private key this program does not have.
async function enter(t) {
	const client = Client.newClient('offline');
	client.setTlsClientCertAndKey();
	t.after(() => client.close());
	const channel = client.getChannel(channelName);
	const {peers: endorsers, orderers, organizations} = profile('org1');
	const endpoint = node => client.newEndpoint({url: node.url, pem: node.tlsCACerts.pem, ...node.grpcOptions});
	for (const org of Object.values(organizations)) {
		const endorser = client.getEndorser(org.peers[0], org.mspid);
		await endorser.connect(endpoint(endorsers[org.peers[0]]));
		channel.addEndorser(endorser);
	}
	const committer = client.getCommitter(orderer);
	await committer.connect(endpoint(orderers[orderer]));
	channel.addCommitter(committer);
	const user = User.createUser('User1', '', 'Org1MSP', credentials.certificate);
	return {client, channel, committer, identity: client.newIdentityContext(user), endpoint: endpoint(endorsers[peers.org1])};
}

test('a transaction, its event and a query, signed offline', async t => {
	const {client, channel, committer, identity, endpoint} = await enter(t);

	const eventer = client.newEventer(peers.org1);
	eventer.setEndpoint(endpoint);
	const events = channel.newEventService('offline');
	events.setTargets([eventer]);
	events.sign(signElsewhere(events.build(identity, {startBlock: 0, blockType: 'filtered'})));

	const endorsement = channel.newEndorsement('asset');
	endorsement.sign(signElsewhere(endorsement.build(identity, {fcn: 'put', args: ['offline', 'Anna', '5']})));
	const {responses, errors} = await endorsement.send({targets: channel.getEndorsers(), requestTimeout});
	assert.deepStrictEqual(errors, []);
	assert.deepStrictEqual(responses.map(r => r.response.status), [200, 200]);
	assert.ok(responses[0].payload.equals(responses[1].payload), 'both peers say the same');

	const committed = new Promise((resolve, reject) => events.registerTransactionListener(endorsement.getTransactionId(),
		(error, event) => error ? reject(error) : resolve(event.status), {unregister: true}));
	await events.send();
	const commit = endorsement.newCommit();
	commit.sign(signElsewhere(commit.build(identity)));
	assert.strictEqual((await commit.send({targets: [committer], requestTimeout})).status, 'SUCCESS');
	assert.strictEqual(await committed, 'VALID');
	events.close();

	const query = channel.newQuery('asset');
	query.sign(signElsewhere(query.build(identity, {fcn: 'get', args: ['offline']})));
	const result = await query.send({targets: channel.getEndorsers('Org1MSP'), requestTimeout});
	assert.strictEqual(JSON.parse(result.queryResults[0]).value, 5);
});

test('signatures of something else are refused', async t => {
	const {channel, committer, identity} = await enter(t);
	const forged = channel.newEndorsement('asset');
	forged.build(identity, {fcn: 'put', args: ['forged', 'Anna', '5']});
	forged.sign(signElsewhere(Buffer.from('something else')));
	const {errors} = await forged.send({targets: channel.getEndorsers('Org1MSP'), requestTimeout});
	assert.match(errors[0].message, /access denied: channel \[mychannel\] creator org \[Org1MSP\]/);

	const endorsement = channel.newEndorsement('asset');
	endorsement.sign(signElsewhere(endorsement.build(identity, {fcn: 'put', args: ['forged', 'Anna', '5']})));
	await endorsement.send({targets: channel.getEndorsers(), requestTimeout});
	const commit = endorsement.newCommit();
	commit.build(identity);
	commit.sign(signElsewhere(Buffer.from('something else')));
	const answer = await commit.send({targets: [committer], requestTimeout});
	assert.strictEqual(answer.status, 'FORBIDDEN');
	assert.match(answer.info, /permission denied/);
});
