//go:build e2e

package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// TestConsensusMigration takes a network from solo to etcdraft, as Fabric's guide has it: every channel into maintenance, the type changed, the
// orderer started anew, and out of maintenance.
func TestConsensusMigration(t *testing.T) {
	l := &life{network: start(t, localnet.Options{Consensus: "solo"}), whole: t}
	l.org1, l.orderers = l.as(l.Admin(l.Orgs[0])), l.ordererAdmin()
	l.install("counter", "1.0", "counter")
	l.instantiate("counter", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")
	l.adds(t, 3)

	channels := []string{"system-channel", l.Channel}
	change := func(channel string, edit func(consensus tree)) {
		t.Helper()
		before := l.config(channel)["sequence"]
		require.NoError(t, l.tryUpdate(channel, func(c tree) { edit(value(t, group(t, c, "Orderer"), "ConsensusType")) }, l.orderers))
		require.Eventually(t, func() bool { return l.config(channel)["sequence"] != before }, 20*time.Second, 50*time.Millisecond)
	}
	cert, err := os.ReadFile(filepath.Join(l.Dir, l.OrdererDir(), "tls/server.crt"))
	require.NoError(t, err)
	tls := base64.StdEncoding.EncodeToString(cert)
	for _, c := range channels {
		change(c, func(consensus tree) { consensus["state"] = "STATE_MAINTENANCE" })
	}
	require.ErrorContains(t, l.tryUpdate("system-channel", func(c tree) {
		value(t, group(t, c, "Orderer"), "ConsensusType")["type"] = "kafka"
		value(t, group(t, c, "Orderer"), "ConsensusType")["state"] = "STATE_NORMAL"
	}, l.orderers), "attempted to change ConsensusType.Type from solo to kafka, but ConsensusType.State is changing from STATE_MAINTENANCE to STATE_NORMAL")
	for _, c := range channels {
		change(c, func(consensus tree) {
			consensus["type"], consensus["metadata"] = "etcdraft", tree{
				"consenters": []any{tree{"host": "127.0.0.1", "port": l.Orderer.Port, "client_tls_cert": tls, "server_tls_cert": tls}},
				"options": tree{
					"tick_interval": "500ms", "election_tick": 10, "heartbeat_tick": 1, "max_inflight_blocks": 5, "snapshot_interval_size": 20 << 20,
				},
			}
		})
	}
	require.NoError(t, l.StopNode(l.Orderer))
	require.NoError(t, l.StartNode(t.Context(), l.Orderer))
	for _, c := range channels {
		change(c, func(consensus tree) { consensus["state"] = "STATE_NORMAL" })
	}
	l.connect()
	l.settled(l.Channel)
	l.adds(t, 3)
	newest, err := l.admin.Block(t.Context(), l.orderer, l.Channel, client.Newest())
	require.NoError(t, err)
	raft, err := block.Metadata(newest, commonpb.BlockMetadataIndex_ORDERER)
	require.NoError(t, err)
	require.NotEmpty(t, raft.Value, "only raft leaves something there")
	require.NoError(t, l.StopNode(l.Orderer))
	require.NoError(t, l.StartNode(t.Context(), l.Orderer))
	l.connect()
	l.adds(t, 3)
}

// TestLaterCapability: a peer that lacks a capability of the application goes no further than the block that requires it, and says so.
func TestLaterCapability(t *testing.T) {
	l := &life{network: start(t, localnet.Options{}), whole: t}
	org1, org2 := l.as(l.Admin(l.Orgs[0])), l.as(l.Admin(l.Orgs[1]))
	require.NoError(t, l.tryUpdate(l.Channel, func(c tree) {
		value(t, group(t, c, "Application"), "Capabilities")["capabilities"] = tree{"V2_0": tree{}}
	}, org1, org2), "the orderer takes no interest in what only peers must know")
	const text = "[channel mychannel] incompatible: Application capability V2_0 is required but not supported"
	for _, org := range l.Orgs {
		require.Eventually(t, func() bool { return strings.Contains(l.log(org.Peer), text) }, 20*time.Second, 50*time.Millisecond)
	}
	require.EqualValues(t, 1, l.height(t), "what was committed before is still served")
	// Nor does it after a restart.
	require.NoError(t, l.StopNode(l.Orgs[0].Peer))
	require.NoError(t, l.StartNode(t.Context(), l.Orgs[0].Peer))
	l.connect()
	require.Eventually(t, func() bool { return strings.Count(l.log(l.Orgs[0].Peer), text) > 1 }, 20*time.Second, 50*time.Millisecond)
	require.EqualValues(t, 1, l.height(t))
}

// consenters are what etcdraft's metadata may not say.
func (l *life) consenters(t *testing.T) {
	present := func(m tree) []any {
		all, ok := m["consenters"].([]any)
		require.True(t, ok)
		return slices.Clone(all)
	}
	options := func(name string, to any) func(tree) {
		return func(m tree) { at(t, m, "options")[name] = to }
	}
	for want, change := range map[string]func(metadata tree){
		"update of more than one consenter at a time is not supported, requested changes: add 2 node(s), remove 0 node(s)": func(m tree) {
			m["consenters"] = append(present(m), l.consenter(t, 0), l.consenter(t, 1))
		},
		"duplicate consenter: server cert: ":                                                  func(m tree) { m["consenters"] = append(present(m), present(m)...) },
		"empty consenter set":                                                                 func(m tree) { m["consenters"] = []any{} },
		"server TLS certificate is not PEM encoded:":                                          func(m tree) { present(m)[0].(tree)["server_tls_cert"] = "" },
		"ElectionTick (1) must be greater than HeartbeatTick (1)":                             options("election_tick", 1),
		"none of HeartbeatTick (1), ElectionTick (10) and MaxInflightBlocks (0) can be zero":  options("max_inflight_blocks", 0),
		`failed to parse TickInterval (soon) to time duration: time: invalid duration "soon"`: options("tick_interval", "soon"),
		"nil Raft config metadata options":                                                    func(m tree) { delete(m, "options") },
	} {
		err := l.tryUpdate(l.Channel, func(c tree) { change(at(t, value(t, group(t, c, "Orderer"), "ConsensusType"), "metadata")) }, l.orderers)
		require.ErrorContains(t, err, "got unexpected status: SERVICE_UNAVAILABLE -- "+want)
	}
	l.update(l.Channel, func(c tree) {
		options("snapshot_interval_size", 1<<20)(at(t, value(t, group(t, c, "Orderer"), "ConsensusType"), "metadata"))
	}, l.orderers)
	l.adds(t, 1)
}

// consenter is one that has the TLS certificate of a peer.
func (l *life) consenter(t *testing.T, peer int) tree {
	t.Helper()
	cert, err := os.ReadFile(filepath.Join(l.Dir, l.Orgs[peer].PeerDir(), "tls/server.crt"))
	require.NoError(t, err)
	tls := base64.StdEncoding.EncodeToString(cert)
	return tree{"host": "127.0.0.1", "port": 1 + peer, "client_tls_cert": tls, "server_tls_cert": tls}
}
