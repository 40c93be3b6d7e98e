//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// life is a network with a chaincode that any organisation may endorse, and those who administrate it.
type life struct {
	*network
	org1, org2, orderers someone
	whole                *testing.T // of all parts
}

// TestChannelLife changes the configuration of a running channel in every way that Fabric knows, by the commands, and looks at what clients, peers
// and the orderer make of it. The parts build on each other.
func TestChannelLife(t *testing.T) {
	l := &life{network: start(t, localnet.Options{}), whole: t}
	l.org1, l.org2, l.orderers = l.as(l.Admin(l.Orgs[0])), l.as(l.Admin(l.Orgs[1])), l.ordererAdmin()
	l.install("counter", "1.0", "counter")
	l.instantiate("counter", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"batches", l.batches},
		{"refused", l.refused},
		{"anchor peers", l.anchorPeers},
		{"ACLs", l.acls},
		{"policies", l.policies},
		{"revocation", l.revocation},
		{"rotation", l.rotation},
		{"orderer addresses", l.ordererAddresses},
		{"consenters", l.consenters},
		{"maintenance", l.maintenance},
	} {
		ok := t.Run(part.name, func(t *testing.T) {
			l.t = t
			defer func() { l.t = l.whole }()
			part.run(t)
		})
		require.True(t, ok, "the parts build on each other")
	}
}

// adds runs n transactions at once.
func (l *life) adds(t *testing.T, n int) {
	t.Helper()
	var all sync.WaitGroup
	failures := make(chan error, n)
	for range n {
		all.Go(func() {
			proposal, err := l.user.NewProposal(l.request("counter", "get", "x")) // reads do not conflict
			if err == nil {
				_, err = l.user.Submit(t.Context(), l.route(l.peers[0]), proposal)
			}
			failures <- err
		})
	}
	all.Wait()
	for range n {
		require.NoError(t, <-failures)
	}
}

// blocks gives the sizes of the blocks from number on.
func (l *life) blocks(t *testing.T, from uint64) []int {
	t.Helper()
	newest, err := l.admin.Block(t.Context(), l.orderer, l.Channel, client.Newest())
	require.NoError(t, err)
	var sizes []int
	require.NoError(t, l.admin.Blocks(t.Context(), l.peers[1], l.Channel, client.Number(from), client.Number(newest.Header.Number), func(b *commonpb.Block) error {
		sizes = append(sizes, len(b.Data.Data))
		return nil
	}))
	return sizes
}

func (l *life) height(t *testing.T) uint64 {
	t.Helper()
	info, err := l.admin.ChainInfo(t.Context(), l.peers[0], l.Channel)
	require.NoError(t, err)
	return info.Height
}

func (l *life) batches(t *testing.T) {
	l.update(l.Channel, func(c tree) {
		o := group(t, c, "Orderer")
		value(t, o, "BatchSize")["max_message_count"] = 2
		value(t, o, "BatchSize")["absolute_max_bytes"] = 50000
		value(t, o, "BatchSize")["preferred_max_bytes"] = 20000
		value(t, o, "BatchTimeout")["timeout"] = "100ms"
	}, l.orderers)
	from := l.height(t)
	l.adds(t, 20)
	for _, size := range l.blocks(t, from) {
		require.LessOrEqual(t, size, 2)
	}
	proposal, err := l.user.NewProposal(l.request("counter", "get", strings.Repeat("x", 60000)))
	require.NoError(t, err)
	_, err = l.user.Submit(t.Context(), l.route(l.peers[0]), proposal)
	require.ErrorContains(t, err, "got unexpected status: BAD_REQUEST -- message payload is ")
	require.ErrorContains(t, err, "bytes and exceeds maximum allowed 50000 bytes")

	l.update(l.Channel, func(c tree) {
		size := value(t, group(t, c, "Orderer"), "BatchSize")
		size["max_message_count"], size["absolute_max_bytes"], size["preferred_max_bytes"] = 500, 10<<20, 2<<20
	}, l.orderers)
	_, err = l.user.Submit(t.Context(), l.route(l.peers[0]), proposal)
	require.NoError(t, err, "what was too large is not any more")
}

// refused are updates that may not be.
func (l *life) refused(t *testing.T) {
	const applying = "got unexpected status: BAD_REQUEST -- error applying config update to existing channel 'mychannel': "
	both := []someone{l.org1, l.org2, l.orderers}
	capabilities := func(name string, path ...string) func(tree) {
		return func(c tree) { value(t, group(t, c, path...), "Capabilities")["capabilities"] = tree{name: tree{}} }
	}
	for name, c := range map[string]struct {
		change  func(tree)
		signers []someone
		want    string
	}{
		"nothing": {func(tree) {}, both, "Error computing update: error computing config update: no differences detected between original and updated config"},
		"an organisation for the orderers": {func(c tree) { value(t, group(t, c, "Orderer"), "BatchSize")["max_message_count"] = 7 }, []someone{l.org1, l.org2},
			applying + "error authorizing update: error validating DeltaSet: policy for [Value]  /Channel/Orderer/BatchSize not satisfied: " +
				"implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Admins' sub-policies to be satisfied"},
		"one organisation for both": {func(c tree) { capabilities("V1_3", "Application")(c) }, []someone{l.org1},
			applying + "error authorizing update: error validating DeltaSet: policy for [Value]  /Channel/Application/Capabilities not satisfied: " +
				"implicit policy evaluation failed - 1 sub-policies were satisfied, but this policy requires 2 of the 'Admins' sub-policies to be satisfied"},
		"a client": {func(c tree) {
			put(t, group(t, c, "Application", "Org1MSP"), "AnchorPeers", anchors("peer9.org1.example.com"))
		}, []someone{l.as(l.User(l.Orgs[0]))},
			applying + "error authorizing update: error validating DeltaSet: policy for [Group]  /Channel/Application/Org1MSP not satisfied: signature set did not satisfy policy"},
		"no batches": {func(c tree) { value(t, group(t, c, "Orderer"), "BatchSize")["max_message_count"] = 0 }, both,
			applying + "initializing channelconfig failed: could not create channel Orderer sub-group config: Attempted to set the batch size max message count to an invalid value: 0"},
		"no time": {func(c tree) { value(t, group(t, c, "Orderer"), "BatchTimeout")["timeout"] = "0s" }, both,
			"Attempted to set the batch timeout to a non-positive value: 0s"},
		"a later orderer": {capabilities("V2_0", "Orderer"), both,
			applying + "config update is not compatible: config requires unsupported orderer capabilities: Orderer capability V2_0 is required but not supported"},
		"a later channel": {capabilities("V2_0"), both,
			"config requires unsupported channel capabilities: Channel capability V2_0 is required but not supported"},
		"another MSP": {func(c tree) {
			config := at(t, value(t, group(t, c, "Application", "Org1MSP"), "MSP"), "config")
			config["name"] = "Org9MSP"
		}, both, applying + "application org Org1MSP attempted to change MSP ID from Org1MSP to Org9MSP"},
		"no application": {func(c tree) { delete(at(t, group(t, c), "groups"), "Application") }, both,
			applying + "current config has application section, but new config does not"},
		"another consensus": {func(c tree) { put(t, group(t, c, "Orderer"), "ConsensusType", tree{"type": "solo"}) }, both,
			"config transaction inspection failed: attempted to change consensus type from etcdraft to solo, but current config ConsensusType.State is not in maintenance mode"},
		"maintenance and more": {func(c tree) {
			o := group(t, c, "Orderer")
			value(t, o, "ConsensusType")["state"] = "STATE_MAINTENANCE"
			value(t, o, "BatchTimeout")["timeout"] = "300ms"
		}, both, "config transaction inspection failed: config update contain more then just the ConsensusType value in the Orderer group"},
	} {
		err := l.tryUpdate(l.Channel, c.change, c.signers...)
		require.ErrorContains(t, err, c.want, name)
	}

	// Of two updates of one configuration, the second comes too late.
	faster := func(timeout string) string {
		envelope, err := l.propose(l.Channel, func(c tree) { value(t, group(t, c, "Orderer"), "BatchTimeout")["timeout"] = timeout }, l.orderers)
		require.NoError(t, err)
		return envelope
	}
	first, second := faster("110ms"), faster("120ms")
	require.NoError(t, l.send(l.Channel, first, l.orderers))
	l.until(t, func(c tree) bool { return value(t, group(t, c, "Orderer"), "BatchTimeout")["timeout"] == "110ms" })
	require.ErrorContains(t, l.send(l.Channel, second, l.orderers),
		applying+"error authorizing update: error validating DeltaSet: attempt to set key [Value]  /Channel/Orderer/BatchTimeout to version 2, but key is at version 2")
}

// until waits for a configuration.
func (l *life) until(t *testing.T, there func(tree) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return there(l.config(l.Channel)) }, 20*time.Second, 50*time.Millisecond)
	l.settled(l.Channel)
}

func (l *life) anchorPeers(t *testing.T) {
	l.update(l.Channel, func(c tree) {
		put(t, group(t, c, "Application", "Org2MSP"), "AnchorPeers", anchors("peer9.org2.example.com"))
	}, l.org2)
	got := value(t, group(t, l.config(l.Channel), "Application", "Org2MSP"), "AnchorPeers")["anchor_peers"]
	require.Equal(t, []any{tree{"host": "peer9.org2.example.com", "port": json.Number("7051")}}, got)
}

func anchors(host string) tree { return tree{"anchor_peers": []any{tree{"host": host, "port": 7051}}} }

func (l *life) acls(t *testing.T) {
	guard := func(policy string) func(tree) {
		return func(c tree) {
			put(t, group(t, c, "Application"), "ACLs", tree{"acls": tree{"peer/Propose": tree{"policy_ref": policy}}})
		}
	}
	ask := func(c *client.Client) error {
		_, err := c.Query(t.Context(), l.peers[0], l.request("counter", "get", "x"))
		return err
	}
	l.update(l.Channel, guard("Org1MSP/Admins"), l.org1, l.org2)
	require.NoError(t, ask(l.admin))
	require.ErrorContains(t, ask(l.user), "failed evaluating policy on signed data during check policy [/Channel/Application/Org1MSP/Admins]: [signature set did not satisfy policy]")
	require.ErrorContains(t, l.tryUpdate(l.Channel, func(c tree) {
		value(t, group(t, c, "Application"), "Capabilities")["capabilities"] = tree{"V1_1": tree{}}
	}, l.org1, l.org2), "ACLs may not be specified without the required capability")
	l.update(l.Channel, func(c tree) { delete(at(t, group(t, c, "Application"), "values"), "ACLs") }, l.org1, l.org2)
	require.NoError(t, ask(l.user))

	// Without ACLs the application may go back to older rules, and forth again.
	for _, version := range []string{"V1_1", "V1_3", "V1_4_2"} {
		l.update(l.Channel, func(c tree) {
			value(t, group(t, c, "Application"), "Capabilities")["capabilities"] = tree{version: tree{}}
		}, l.org1, l.org2)
		l.adds(t, 1)
	}
}

// policies takes the right to write from an organisation's clients, and gives it back.
func (l *life) policies(t *testing.T) {
	var before any
	early := l.endorsed(t, l.user)
	l.update(l.Channel, func(c tree) {
		rules := at(t, group(t, c, "Application", "Org1MSP"), "policies")
		before = at(t, rules, "Writers")["policy"]
		at(t, rules, "Writers")["policy"] = at(t, rules, "Admins")["policy"]
	}, l.org1)
	_, err := l.user.Invoke(t.Context(), l.route(l.peers[0]), l.request("counter", "get", "x"))
	require.ErrorContains(t, err, "Failed evaluating policy on signed data during check policy on channel [mychannel] with policy [/Channel/Application/Writers]: "+
		"[implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied]")
	require.ErrorContains(t, l.orderer.Broadcast(t.Context(), early), "got unexpected status: FORBIDDEN -- "+
		"implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied")
	l.update(l.Channel, func(c tree) { at(t, group(t, c, "Application", "Org1MSP"), "policies", "Writers")["policy"] = before }, l.org1)
	require.NoError(t, l.orderer.Broadcast(t.Context(), early))

	// A policy of one's own is as good as Fabric's, for access rules and to guard others.
	info := func(c *client.Client) error {
		_, err := c.Query(t.Context(), l.peers[0], client.Request{ChannelID: l.Channel, Chaincode: "qscc", Args: client.Args("GetChainInfo", l.Channel)})
		return err
	}
	l.update(l.Channel, func(c tree) {
		app := group(t, c, "Application")
		at(t, app, "policies")["Auditors"] = tree{"mod_policy": "Auditors", "version": "0", "policy": at(t, group(t, c, "Application", "Org2MSP"), "policies", "Readers")["policy"]}
		put(t, app, "ACLs", tree{"acls": tree{"qscc/GetChainInfo": tree{"policy_ref": "Auditors"}}})
	}, l.org1, l.org2)
	require.NoError(t, info(client.New(l.signer(l.User(l.Orgs[1])))))
	require.ErrorContains(t, info(l.admin), "access denied for [GetChainInfo][mychannel]: [failed evaluating policy on signed data during check policy "+
		"[/Channel/Application/Auditors]: [signature set did not satisfy policy]]")
	l.update(l.Channel, func(c tree) { delete(at(t, group(t, c, "Application"), "values"), "ACLs") }, l.org1, l.org2)
	require.ErrorContains(t, l.tryUpdate(l.Channel, func(c tree) {
		rules := at(t, group(t, c, "Application"), "policies")
		at(t, rules, "Auditors")["policy"] = at(t, rules, "Admins")["policy"]
	}, l.org1), "policy for [Policy] /Channel/Application/Auditors not satisfied: signature set did not satisfy policy")
}

// endorsed is a transaction of somebody, ready to be ordered. The first peer has endorsed it, unless another is given.
func (l *life) endorsed(t *testing.T, c *client.Client, by ...*client.Peer) *commonpb.Envelope {
	t.Helper()
	proposal, err := c.NewProposal(l.request("counter", "get", "x"))
	require.NoError(t, err)
	if len(by) == 0 {
		by = l.peers[:1]
	}
	responses, err := c.Endorse(t.Context(), proposal, by...)
	require.NoError(t, err)
	envelope, err := tx.Assemble(c.Signer, proposal, responses)
	require.NoError(t, err)
	return envelope
}

// ordererAddresses are what peers follow: the channel's, then the ordering organisation's own.
func (l *life) ordererAddresses(t *testing.T) {
	reconnects := func() {
		require.NoError(t, l.StopNode(l.Orgs[1].Peer))
		require.NoError(t, l.StartNode(t.Context(), l.Orgs[1].Peer))
		l.t = l.whole // the connections stay
		l.connect()
		l.t = t
		l.adds(t, 1)
	}
	l.update(l.Channel, func(c tree) {
		value(t, group(t, c), "OrdererAddresses")["addresses"] = []any{"127.0.0.1:1", l.Orderer.Address()}
	}, l.orderers)
	reconnects()
	l.update(l.Channel, func(c tree) {
		put(t, group(t, c, "Orderer", "OrdererOrg"), "Endpoints", tree{"addresses": []any{l.Orderer.Address()}})
		value(t, group(t, c), "OrdererAddresses")["addresses"] = []any{"127.0.0.1:1"}
	}, l.orderers)
	reconnects()
}

// maintenance closes the channel to all but the ordering organisation, and opens it again.
func (l *life) maintenance(t *testing.T) {
	state := func(state string) func(tree) {
		return func(c tree) { value(t, group(t, c, "Orderer"), "ConsensusType")["state"] = state }
	}
	waiting := l.endorsed(t, l.user)
	require.NoError(t, l.tryUpdate(l.Channel, state("STATE_MAINTENANCE"), l.orderers))
	require.Eventually(t, func() bool {
		return value(t, group(t, l.config(l.Channel), "Orderer"), "ConsensusType")["state"] == "STATE_MAINTENANCE"
	}, 20*time.Second, 50*time.Millisecond)
	require.ErrorContains(t, l.orderer.Broadcast(t.Context(), waiting), "got unexpected status: SERVICE_UNAVAILABLE -- normal transactions are rejected: maintenance mode")
	_, err := l.admin.Block(t.Context(), l.orderer, l.Channel, client.Newest())
	require.ErrorContains(t, err, "FORBIDDEN")
	require.ErrorContains(t, l.tryUpdate(l.Channel, func(c tree) {
		put(t, group(t, c, "Orderer"), "ConsensusType", tree{"type": "pbft", "state": "STATE_MAINTENANCE"})
	}, l.orderers), "attempted to change consensus type from etcdraft to pbft, transition not supported")
	require.ErrorContains(t, l.tryUpdate(l.Channel, func(c tree) {
		put(t, group(t, c, "Orderer"), "ConsensusType", tree{"type": "solo"})
	}, l.orderers), "attempted to change ConsensusType.Type from etcdraft to solo, but ConsensusType.State is changing from STATE_MAINTENANCE to STATE_NORMAL")
	l.update(l.Channel, state("STATE_NORMAL"), l.orderers)
	require.NoError(t, l.orderer.Broadcast(t.Context(), waiting))
	l.adds(t, 1)
}
