// The lifecycle of 1.4 and the work on channels by fabric-common and fabric-protos alone: install, instantiate and upgrade by proposals to
// lscc; a channel created by a configuration transaction with signatures of two administrators, joined by proposals to cscc, then updated.
'use strict';

const assert = require('assert');
const fs = require('fs');
const {Client} = require('fabric-common');
const {common, protos} = require('fabric-protos');
const {channelName, connect, contract, file, orderer, orgs, peers, requestTimeout, test} = require('./network');

Client.setConfigSetting('channel-name-regx-checker', {pattern: ''}); // requests about a peer itself are for the channel without a name

// administrator enters as an organisation's administrator and returns what the calls below need.
async function administrator(t, org) {
	const gateway = await connect(t, org + '-admin');
	const client = gateway.client;
	return {gateway, client, identity: gateway.identityContext, endorser: client.getEndorser(peers[org]), committer: client.getCommitter(orderer)};
}

// call sends a signed proposal to one peer and returns its response and the endorsement.
async function call({client, identity, endorser}, channel, chaincode, ...args) {
	const endorsement = client.getChannel(channel).newEndorsement(chaincode);
	endorsement.build(identity, {args});
	endorsement.sign(identity);
	const {responses, errors} = await endorsement.send({targets: [endorser], requestTimeout});
	assert.deepStrictEqual(errors, []);
	return {response: responses[0].response, endorsement};
}

async function succeeds(...args) {
	const {response, endorsement} = await call(...args);
	assert.strictEqual(response.status, 200, response.message);
	return {payload: response.payload, endorsement};
}

const encode = (type, value) => Buffer.from(type.encode(type.fromObject(value)).finish());

const role = (mspid, name) => ({
	principal_classification: common.MSPPrincipal.Classification.ROLE,
	principal: encode(common.MSPRole, {msp_identifier: mspid, role: common.MSPRole.MSPRoleType[name]}),
});

const bothPeers = () => encode(common.SignaturePolicyEnvelope, {
	rule: {n_out_of: {n: 2, rules: [{signed_by: 0}, {signed_by: 1}]}},
	identities: [role('Org1MSP', 'PEER'), role('Org2MSP', 'PEER')],
});

// deploy instantiates or upgrades asset and waits until the peer has committed that.
async function deploy(t, verb, version, ...init) {
	const admin = await administrator(t, 'org1');
	const spec = encode(protos.ChaincodeDeploymentSpec, {chaincode_spec: {
		type: protos.ChaincodeSpec.Type.GOLANG, chaincode_id: {name: 'asset', version}, input: {args: init.map(a => Buffer.from(a))},
	}});
	const {endorsement} = await succeeds(admin, channelName, 'lscc', verb, channelName, spec, bothPeers(), 'escc', 'vscc');
	const network = await admin.gateway.getNetwork(channelName);
	let ended;
	const committed = new Promise(resolve => ended = resolve);
	await network.addCommitListener((error, event) => ended(error || event.status), [admin.endorser], endorsement.getTransactionId());
	const commit = endorsement.newCommit();
	commit.build(admin.identity);
	commit.sign(admin.identity);
	assert.strictEqual((await commit.send({targets: [admin.committer], requestTimeout})).status, 'SUCCESS');
	assert.strictEqual(await committed, 'VALID');
}

for (const version of ['1.0', '2.0']) {
	test('install asset ' + version, async t => {
		const pack = fs.readFileSync(file('asset.' + version + '.pkg'));
		for (const org of orgs) {
			const admin = await administrator(t, org);
			await succeeds(admin, '', 'lscc', 'install', pack);
			const again = await call(admin, '', 'lscc', 'install', pack);
			assert.match(again.response.message, /chaincodes\/asset\..\.0 exists/);
			const {payload} = await succeeds(admin, '', 'lscc', 'getinstalledchaincodes');
			assert.ok(protos.ChaincodeQueryResponse.decode(payload).chaincodes.some(c => c.name === 'asset' && c.version === version && c.path));
		}
		const user = await connect(t, 'org1-user1');
		const {response} = await call({client: user.client, identity: user.identityContext, endorser: user.client.getEndorser(peers.org1)},
			'', 'lscc', 'install', pack);
		assert.match(response.message, /access denied for \[install\]/);
	});
}

test('instantiate, upgrade', async t => {
	await deploy(t, 'deploy', '1.0', 'init', 'rug', 'Anna', '120');
	const {asset} = await contract(t);
	assert.strictEqual(JSON.parse(await asset.evaluateTransaction('get', 'rug')).value, 120);
	await assert.rejects(asset.evaluateTransaction('version'), /unknown function/);

	await deploy(t, 'upgrade', '2.0');
	assert.strictEqual((await asset.evaluateTransaction('version')).toString(), '2');
	const admin = await administrator(t, 'org2');
	const {payload} = await succeeds(admin, channelName, 'lscc', 'getccdata', channelName, 'asset');
	assert.strictEqual(protos.ChaincodeData.decode(payload).version, '2.0');
	const listed = await succeeds(admin, channelName, 'lscc', 'getchaincodes');
	assert.deepStrictEqual(protos.ChaincodeQueryResponse.decode(listed.payload).chaincodes.map(c => [c.name, c.version, c.escc, c.vscc]),
		[['asset', '2.0', 'escc', 'vscc']]);
});

// configure sends a configuration update, signed by administrators of both organisations, to the orderer.
async function configure(t, transaction) {
	const admins = [await administrator(t, 'org1'), await administrator(t, 'org2')];
	const payload = common.Payload.decode(common.Envelope.decode(fs.readFileSync(file('channel', transaction))).payload);
	const update = common.ConfigUpdateEnvelope.decode(payload.data).config_update;
	const signatures = admins.map(({identity}) => {
		identity.calculateTransactionId();
		const header = encode(common.SignatureHeader, {creator: identity.serializeIdentity(), nonce: identity.nonce});
		return {signature_header: header, signature: identity.sign(Buffer.concat([header, update]))};
	});
	const {identity, client, committer} = admins[0];
	identity.calculateTransactionId();
	const {channel_id} = common.ChannelHeader.decode(payload.header.channel_header);
	const envelope = encode(common.Payload, {
		header: {
			channel_header: encode(common.ChannelHeader, {
				type: common.HeaderType.CONFIG_UPDATE, channel_id, tx_id: identity.transactionId, tls_cert_hash: client.getClientCertHash() || undefined,
				timestamp: {seconds: Math.floor(Date.now() / 1000)},
			}),
			signature_header: encode(common.SignatureHeader, {creator: identity.serializeIdentity(), nonce: identity.nonce}),
		},
		data: encode(common.ConfigUpdateEnvelope, {config_update: update, signatures}),
	});
	return committer.sendBroadcast({payload: envelope, signature: identity.sign(envelope)}, requestTimeout);
}

test('create a channel, join it, update it', async t => {
	assert.deepStrictEqual((await configure(t, 'second.tx')).status, 'SUCCESS');
	const refused = await configure(t, 'second.tx');
	assert.strictEqual(refused.status, 'BAD_REQUEST');
	assert.match(refused.info, /error applying config update to existing channel 'second'/);

	const admin = await administrator(t, 'org1');
	const block = await firstBlock(admin, 'second');
	for (const org of orgs) {
		const admin = await administrator(t, org);
		await succeeds(admin, '', 'cscc', 'JoinChain', block);
		const {payload} = await succeeds(admin, '', 'cscc', 'GetChannels');
		assert.deepStrictEqual(protos.ChannelQueryResponse.decode(payload).channels.map(c => c.channel_id).sort(), ['mychannel', 'second']);
	}
	assert.strictEqual((await configure(t, 'anchors.tx')).status, 'SUCCESS');
	for (;;) {
		const {payload} = await succeeds(admin, 'second', 'qscc', 'GetChainInfo', 'second');
		if (Number(common.BlockchainInfo.decode(payload).height) === 2) {
			break;
		}
	}
	const {payload} = await succeeds(admin, 'second', 'cscc', 'GetConfigBlock', 'second');
	assert.strictEqual(Number(common.Block.decode(payload).header.number), 1);
});

// firstBlock fetches a new channel's first block from the orderer, which may not have made it yet.
async function firstBlock({client, identity, committer}, channel) {
	const orderers = require('fabric-protos').orderer;
	const position = {specified: {number: 0}};
	const seek = encode(orderers.SeekInfo, {start: position, stop: position, behavior: orderers.SeekInfo.SeekBehavior.BLOCK_UNTIL_READY});
	for (;;) {
		identity.calculateTransactionId();
		const payload = encode(common.Payload, {
			header: {
				channel_header: encode(common.ChannelHeader, {
					type: common.HeaderType.DELIVER_SEEK_INFO, channel_id: channel, tls_cert_hash: client.getClientCertHash() || undefined,
					timestamp: {seconds: Math.floor(Date.now() / 1000)},
				}),
				signature_header: encode(common.SignatureHeader, {creator: identity.serializeIdentity(), nonce: identity.nonce}),
			},
			data: seek,
		});
		const block = await new Promise((resolve, reject) => {
			const stream = committer.service.deliver();
			stream.on('data', answer => resolve(answer.block));
			stream.on('error', reject);
			stream.on('end', () => stream.cancel());
			stream.write({payload, signature: identity.sign(payload)});
			stream.end();
		});
		if (block) {
			return encode(common.Block, block);
		}
	}
}
