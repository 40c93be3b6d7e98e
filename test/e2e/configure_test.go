//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// tree is a configuration, or a part of it, as configtxlator shows it.
type tree = map[string]any

// at is the part of a tree below the given keys.
func at(t *testing.T, from tree, keys ...string) tree {
	t.Helper()
	for _, k := range keys {
		next, ok := from[k].(tree)
		require.True(t, ok, "no %s in the configuration", k)
		from = next
	}
	return from
}

// group is a group of a configuration by its path below the channel's group: "Application", "Org1MSP".
func group(t *testing.T, config tree, path ...string) tree {
	t.Helper()
	g := at(t, config, "channel_group")
	for _, name := range path {
		g = at(t, g, "groups", name)
	}
	return g
}

// value is what a value of a group holds.
func value(t *testing.T, g tree, name string) tree {
	t.Helper()
	return at(t, g, "values", name, "value")
}

// put gives a group a value, which administrators may change.
func put(t *testing.T, g tree, name string, content tree) {
	t.Helper()
	values := at(t, g, "values")
	if _, ok := values[name]; !ok {
		values[name] = tree{"mod_policy": "Admins", "version": "0"}
	}
	at(t, values, name)["value"] = content
}

// someone runs commands with keys of their own.
type someone struct {
	name string
	localnet.Identity
	env []string
}

func (n *network) as(i localnet.Identity) someone { return someone{i.Name(), i, nil} }

// ordererAdmin is the administrator of the ordering organisation, who runs commands at the first peer's address.
func (n *network) ordererAdmin() someone {
	return n.withKeys("orderer admin", n.Orgs[0], "OrdererMSP", filepath.Join(n.Dir, "crypto/ordererOrganizations/example.com/users/Admin@example.com/msp"))
}

// withKeys is somebody with an MSP folder of their own.
func (n *network) withKeys(name string, org localnet.Org, mspID, folder string) someone {
	return someone{name, n.Admin(org), []string{"CORE_PEER_LOCALMSPID=" + mspID, "CORE_PEER_MSPCONFIGPATH=" + folder}}
}

// run runs a peer command.
func (n *network) run(who someone, args ...string) (localnet.Output, error) {
	return n.PeerWith(n.t.Context(), who.Identity, append([]string{"GOPATH=" + n.gopath, "GO111MODULE=off"}, who.env...), args...)
}

// translate runs configtxlator.
func (n *network) translate(args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(n.t.Context(), kit.Binary(n.t), append([]string{"configtxlator"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("configtxlator %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func (n *network) encode(kind string, content any, file string) {
	n.t.Helper()
	raw, err := json.Marshal(content)
	require.NoError(n.t, err)
	require.NoError(n.t, os.WriteFile(file+".json", raw, 0o600))
	_, err = n.translate("proto_encode", "--type", kind, "--input", file+".json", "--output", file)
	require.NoError(n.t, err)
}

func (n *network) decode(kind, file string) tree {
	n.t.Helper()
	out, err := n.translate("proto_decode", "--type", kind, "--input", file)
	require.NoError(n.t, err)
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.UseNumber()
	var decoded tree
	require.NoError(n.t, decoder.Decode(&decoded))
	return decoded
}

// config is a channel's configuration as its orderer has it. In maintenance only those of the ordering organisation may read it.
func (n *network) config(channel string) tree {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), "config.block")
	_, err := n.run(n.ordererAdmin(), append([]string{"channel", "fetch", "config", file, "-c", channel}, n.OrdererFlags()...)...)
	require.NoError(n.t, err)
	block := n.decode("common.Block", file)
	envelopes, ok := at(n.t, block, "data")["data"].([]any)
	require.True(n.t, ok)
	return at(n.t, envelopes[0].(tree), "payload", "data", "config")
}

// propose makes the update that leads from the present configuration to a changed one, and has it signed by all but the last of the signers. It
// gives the file that the last is to send, and sign with it.
func (n *network) propose(channel string, change func(config tree), signers ...someone) (string, error) {
	n.t.Helper()
	dir := n.t.TempDir()
	original, modified, update, envelope := filepath.Join(dir, "original"), filepath.Join(dir, "modified"), filepath.Join(dir, "update"), filepath.Join(dir, "envelope.tx")
	config := n.config(channel)
	n.encode("common.Config", config, original)
	change(config)
	n.encode("common.Config", config, modified)
	if _, err := n.translate("compute_update", "--channel_id", channel, "--original", original, "--updated", modified, "--output", update); err != nil {
		return "", err
	}
	n.encode("common.Envelope", tree{"payload": tree{
		"header": tree{"channel_header": tree{"channel_id": channel, "type": 2}},
		"data":   tree{"config_update": n.decode("common.ConfigUpdate", update)},
	}}, envelope)
	for _, s := range signers[:len(signers)-1] {
		if _, err := n.run(s, "channel", "signconfigtx", "-f", envelope); err != nil {
			return "", err
		}
	}
	return envelope, nil
}

// send sends an update that propose has made.
func (n *network) send(channel, envelope string, who someone) error {
	_, err := n.run(who, append([]string{"channel", "update", "-c", channel, "-f", envelope}, n.OrdererFlags()...)...)
	return err
}

// tryUpdate changes a channel's configuration, and returns the error of the command that was refused.
func (n *network) tryUpdate(channel string, change func(config tree), signers ...someone) error {
	n.t.Helper()
	envelope, err := n.propose(channel, change, signers...)
	if err != nil {
		return err
	}
	return n.send(channel, envelope, signers[len(signers)-1])
}

// update changes a channel's configuration and waits until the orderer and every peer have it.
func (n *network) update(channel string, change func(config tree), signers ...someone) {
	n.t.Helper()
	before := n.config(channel)["sequence"]
	require.NoError(n.t, n.tryUpdate(channel, change, signers...))
	require.Eventually(n.t, func() bool { return n.config(channel)["sequence"] != before }, 20*time.Second, 50*time.Millisecond)
	n.settled(channel)
}

// settled waits until the peers have the orderer's newest block of a channel.
func (n *network) settled(channel string) {
	n.t.Helper()
	newest, err := n.admin.Block(n.t.Context(), n.orderer, channel, client.Newest())
	require.NoError(n.t, err)
	for _, p := range n.peers {
		require.NoError(n.t, n.admin.Blocks(n.t.Context(), p, channel, client.Oldest(), client.Number(newest.Header.Number), func(*commonpb.Block) error { return nil }))
	}
}
