//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// flagged is a network whose blocks wait for two seconds, with the chaincode asset and Fabric's collections on its channel.
type flagged struct {
	*network
	admin localnet.Identity
}

// TestFlags runs the commands with the flags that the other tests do not need. What they say is what Fabric 1.4's said to the same.
func TestFlags(t *testing.T) {
	t.Setenv("ORDERER_GENERAL_BATCHCUTTING", "timeout")
	n := startBare(t, localnet.Options{BatchTimeout: 2 * time.Second})
	f := &flagged{n, n.Admin(n.Orgs[0])}
	f.install("asset", "1.0", "asset")
	f.send("chaincode", "instantiate", "-C", f.Channel, "-n", "asset", "-v", "1.0", "-c", `{"Args":["init","a1","anna","7"]}`,
		"-P", "OR('Org1MSP.peer','Org2MSP.peer')", "--collections-config", vectors.Path("fabric-1.4", "config", "collections.json"))
	for _, org := range f.Orgs {
		require.Eventually(t, func() bool {
			return strings.Contains(f.peer(f.Admin(org), "chaincode", "list", "--instantiated", "-C", f.Channel).Stdout, "Name: asset,")
		}, 20*time.Second, 100*time.Millisecond)
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"collections", f.collections},
		{"raw and hex", f.formats},
		{"transient", f.transient},
		{"timeout of an event", f.eventTimeout},
		{"connection profile", f.connectionProfile},
		{"fetch", f.fetch},
		{"default profile", f.defaultProfile},
		{"timeout of a channel", f.channelTimeout},
	} {
		t.Run(part.name, func(t *testing.T) {
			f.t = t
			part.run(t)
		})
	}
}

// send runs a command that needs the orderer.
func (f *flagged) send(args ...string) localnet.Output {
	f.t.Helper()
	return f.peer(f.admin, append(args, f.OrdererFlags()...)...)
}

// ask queries a chaincode and returns what the command prints, without the end of the line.
func (f *flagged) ask(name, args string, flags ...string) string {
	f.t.Helper()
	out := f.peer(f.admin, append([]string{"chaincode", "query", "-C", f.Channel, "-n", name, "-c", args}, flags...)...)
	text, ended := strings.CutSuffix(out.Stdout, "\n")
	require.True(f.t, ended, "%q", out.Stdout)
	return text
}

// invokeAsset invokes the chaincode, waits for the event, and returns what the command logs.
func (f *flagged) invokeAsset(args string, flags ...string) string {
	f.t.Helper()
	return f.send(append([]string{"chaincode", "invoke", "-C", f.Channel, "-n", "asset", "-c", args, "--waitForEvent"}, flags...)...).Stderr
}

func (f *flagged) block(file string) *commonpb.Block {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.Dir, file))
	require.NoError(f.t, err)
	b := &commonpb.Block{}
	require.NoError(f.t, proto.Unmarshal(raw, b))
	return b
}

// collections: the file became what Fabric 1.4 made of it.
func (f *flagged) collections(t *testing.T) {
	recorded := vectors.Message(t, &peerpb.ProposalResponse{}, "fabric-1.4", "queries", "lscc_getcollectionsconfig.response.pb")
	require.Equal(t, hex.EncodeToString(recorded.Response.Payload), f.ask("lscc", `{"Args":["GetCollectionsConfig","asset"]}`, "--hex"))
}

func (f *flagged) formats(t *testing.T) {
	const get = `{"Args":["get","a1"]}`
	answer := f.ask("asset", get)
	require.Equal(t, `{"id":"a1","owner":"anna","value":7}`, answer)
	for _, flag := range []string{"-x", "--hex"} {
		require.Equal(t, hex.EncodeToString([]byte(answer)), f.ask("asset", get, flag))
	}
	for _, flag := range []string{"-r", "--raw"} {
		require.Equal(t, "[123 34 105 100 34 58 34 97 49 34 44 34 111 119 110 101 114 34 58 34 97 110 110 97 34 44 34 118 97 108 117 101 34 58 55 125]",
			f.ask("asset", get, flag))
	}
}

func (f *flagged) transient(t *testing.T) {
	secret := func(s string) string { return `{"secret":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}` }
	require.Contains(t, f.invokeAsset(`{"Args":["seal","a1"]}`, "--transient", secret("swordfish")), "committed with status (VALID)")
	require.Equal(t, "true", f.ask("asset", `{"Args":["check","a1"]}`, "--transient", secret("swordfish")))
	require.Equal(t, "false", f.ask("asset", `{"Args":["check","a1"]}`, "--transient", secret("trout")))
}

// eventTimeout: who waits for less than a block takes is told so; the transaction is ordered nevertheless.
func (f *flagged) eventTimeout(t *testing.T) {
	put := func(name, timeout string) string {
		return f.peerFails(f.admin, append([]string{"chaincode", "invoke", "-C", f.Channel, "-n", "asset", "-c", `{"Args":["put","` + name + `","bert","1"]}`,
			"--waitForEvent", "--waitForEventTimeout", timeout}, f.OrdererFlags()...)...)
	}
	said := put("a2", "1s")
	require.True(t, strings.HasPrefix(said, "Error: timed out waiting for txid on all peers"), said)
	require.Eventually(t, func() bool {
		return strings.Contains(f.ask("asset", `{"Args":["range","a2","a3"]}`), "bert")
	}, 20*time.Second, 100*time.Millisecond)

	// Who cannot even listen for the event sends nothing.
	said = put("a0", "1us")
	require.True(t, strings.HasPrefix(said, "Error: timed out waiting for connection to deliver on all peers"), said)
	require.Contains(t, f.invokeAsset(`{"Args":["put","a4","dora","1"]}`), "committed with status (VALID)")
	require.Equal(t, "[]", f.ask("asset", `{"Args":["range","a0","a1"]}`))
}

// connectionProfile: the endorsing peers of the profile are asked, and waited for.
func (f *flagged) connectionProfile(t *testing.T) {
	for _, file := range []string{f.ProfileFile(f.Orgs[0]), strings.TrimSuffix(f.ProfileFile(f.Orgs[1]), ".json") + ".yaml"} {
		said := f.invokeAsset(`{"Args":["put","a3","carl","1"]}`, "--connectionProfile", file)
		for _, org := range f.Orgs {
			require.Contains(t, said, "committed with status (VALID) at "+org.Peer.Address())
		}
	}
	require.Contains(t, f.peerFails(f.admin, "chaincode", "query", "-C", f.Channel, "-n", "asset", "-c", `{"Args":["get","a1"]}`,
		"--connectionProfile", f.ProfileFile(f.Orgs[0])),
		"Error: error validating peer connection parameters: 'query' command can only be executed against one peer. received 2")
}

// fetch: blocks by number, from the orderer and from the peer, into a file of the default name and another.
func (f *flagged) fetch(t *testing.T) {
	require.Contains(t, f.send("channel", "fetch", "1", "-c", f.Channel).Stderr, "Received block: 1\n")
	first := f.block(f.Channel + "_1.block")
	require.EqualValues(t, 1, first.Header.Number)
	require.True(t, proto.Equal(f.block(filepath.Join("channel", f.Channel+".block")).Header, f.fetched("0").Header))
	require.Equal(t, f.fetched("0", "--bestEffort").Header.Number, uint64(0))
	require.True(t, proto.Equal(first.Header, f.fetched("1", "--bestEffort").Header))

	f.peer(f.admin, "channel", "fetch", "newest", "-c", f.Channel)
	require.Positive(t, f.block(f.Channel+"_newest.block").Header.Number)
	f.peer(f.admin, "channel", "fetch", "config", "-c", f.Channel, "--bestEffort")
	require.Zero(t, f.block(f.Channel+"_config.block").Header.Number)
}

// fetched is a block from the peer.
func (f *flagged) fetched(target string, flags ...string) *commonpb.Block {
	f.t.Helper()
	f.peer(f.admin, append([]string{"channel", "fetch", target, "fetched.block", "-c", f.Channel}, flags...)...)
	return f.block("fetched.block")
}

// defaultProfile: without -f, the channel is made from the profile SampleSingleMSPChannel of configtx.yaml.
func (f *flagged) defaultProfile(t *testing.T) {
	profiles, err := os.ReadFile(filepath.Join(f.Dir, "configtx.yaml"))
	require.NoError(t, err)
	dir := filepath.Join(f.Dir, "client")
	text := strings.NewReplacer("\n  Channel:\n", "\n  SampleSingleMSPChannel:\n", "MSPDir: ", "MSPDir: ../").Replace(string(profiles))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "configtx.yaml"), []byte(text), 0o644))

	require.Contains(t, f.send("channel", "create", "-c", "second").Stderr, "Received block: 0\n")
	made := f.block("second.block")
	require.Zero(t, made.Header.Number)
	config, err := tx.ParseEnvelope(made.Data.Data[0])
	require.NoError(t, err)
	require.Equal(t, "second", config.Channel.ChannelId)
	for _, org := range f.Orgs {
		f.peer(f.Admin(org), "channel", "join", "-b", filepath.Join(f.Dir, "second.block"))
	}
}

// channelTimeout: who does not wait is told so; the channel comes nevertheless.
func (f *flagged) channelTimeout(t *testing.T) {
	said := f.peerFails(f.admin, append([]string{"channel", "create", "-c", "third", "-t", "1ns"}, f.OrdererFlags()...)...)
	require.Contains(t, said, "Error: timeout waiting for channel creation")
	require.NoFileExists(t, filepath.Join(f.Dir, "third.block"))
	require.Eventually(t, func() bool {
		_, err := f.Peer(t.Context(), f.admin, append([]string{"channel", "fetch", "oldest", "third.block", "-c", "third"}, f.OrdererFlags()...)...)
		return err == nil
	}, 20*time.Second, 100*time.Millisecond)
}
