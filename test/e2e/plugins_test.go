//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

const customHandlers = `
  handlers:
    authFilters: [{name: DefaultAuth}, {name: ExpirationCheck}, {name: Blocklist}]
    decorators: [{name: DefaultDecorator}, {name: Author}]
    endorsers: {escc: {name: DefaultEndorsement}, audited: {name: Audited}}
    validators: {vscc: {name: DefaultValidation}, appendonly: {name: AppendOnly}}
`

// TestPlugins builds the example of a custom peer, and has each of its handlers at work.
func TestPlugins(t *testing.T) {
	custom := filepath.Join(t.TempDir(), "heddle-custom")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", custom, "../../samples/custompeer").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Setenv("CUSTOMPEER_BLOCKED", "User1@org2.example.com")
	n := startBare(t, localnet.Options{Executable: custom}, func(n *localnet.Network) {
		for _, org := range n.Orgs {
			replaceInFile(t, coreYAML(n, org), "peer:", "peer:"+customHandlers)
		}
	})
	admin, blocked := n.Admin(n.Orgs[0]), n.User(n.Orgs[1])
	n.install("notes", "1.0", "notes")
	n.peer(admin, append([]string{"chaincode", "instantiate", "-C", n.Channel, "-n", "notes", "-v", "1.0", "-c", `{"Args":["init"]}`,
		"-P", both, "-E", "audited", "-V", "appendonly"}, n.OrdererFlags()...)...)
	for _, org := range n.Orgs {
		require.Eventually(t, func() bool {
			return strings.Contains(n.peer(n.Admin(org), "chaincode", "list", "--instantiated", "-C", n.Channel).Stdout, "Escc: audited, Vscc: appendonly")
		}, 20*time.Second, 100*time.Millisecond)
	}
	put := func(name, text string) []string {
		args := []string{"chaincode", "invoke", "-C", n.Channel, "-n", "notes", "-c", `{"Args":["put","` + name + `","` + text + `"]}`, "--waitForEvent"}
		return append(append(args, n.OrdererFlags()...), n.PeerFlags(n.Orgs...)...)
	}
	get := func(name string) []string {
		return []string{"chaincode", "query", "-C", n.Channel, "-n", "notes", "-c", `{"Args":["get","` + name + `"]}`}
	}

	n.peer(admin, put("one", "hello")...)
	require.Equal(t, "hello (Admin@org1.example.com)", strings.TrimSpace(n.peer(admin, get("one")...).Stdout), "the decorator tells the author")
	for _, org := range n.Orgs {
		require.Contains(t, n.log(org.Peer), "audit: endorsed transaction ", "the endorsement plugin writes down what it signs")
	}
	require.Contains(t, n.peer(admin, put("one", "again")...).Stderr, "committed with status (ENDORSEMENT_POLICY_FAILURE)", "the validation plugin lets nothing be changed")
	n.peer(admin, put("two", "world")...)
	require.Contains(t, n.peerFails(blocked, get("one")...), "User1@org2.example.com is on the blocklist")

	// A peer without the plugins cannot endorse the chaincode, and goes no further than the first block that it would need one for.
	org := n.Orgs[1]
	require.NoError(t, n.StopNode(org.Peer))
	replaceInFile(t, coreYAML(n.Network, org), customHandlers, "\n")
	require.NoError(t, n.StartNode(t.Context(), org.Peer))
	require.Contains(t, n.peerFails(n.Admin(org), get("one")...), "plugin with name audited could not be used: plugin with name audited wasn't found")
	alone := append(append([]string{"chaincode", "invoke", "-C", n.Channel, "-n", "notes", "-c", `{"Args":["put","three","!"]}`}, n.OrdererFlags()...),
		n.PeerFlags(n.Orgs[0])...) // one endorsement too few, which is for the plugin to say
	n.peer(admin, alone...)
	require.Eventually(t, func() bool {
		return strings.Contains(n.log(org.Peer), "plugin with name appendonly couldn't be used: plugin with name appendonly wasn't found")
	}, 20*time.Second, 100*time.Millisecond)
	require.Contains(t, n.log(org.Peer), "the channel takes no more blocks")

	// With them, it goes on where it stopped.
	require.NoError(t, n.StopNode(org.Peer))
	replaceInFile(t, coreYAML(n.Network, org), "peer:", "peer:"+customHandlers)
	require.NoError(t, n.StartNode(t.Context(), org.Peer))
	n.peer(admin, put("four", "done")...)

	// What is not compiled in is refused at the start, by name and place.
	require.NoError(t, n.StopNode(org.Peer))
	replaceInFile(t, coreYAML(n.Network, org), "name: Audited", "name: Audited, library: /opt/audited.so")
	replaceInFile(t, coreYAML(n.Network, org), "name: Blocklist", "name: Bouncer")
	err = n.StartNode(t.Context(), org.Peer)
	require.ErrorContains(t, err, `peer.handlers.authFilters must be one of DefaultAuth, ExpirationCheck, TimeWindowCheck, Blocklist, not "Bouncer"`)
	require.ErrorContains(t, err, "peer.handlers.endorsers names the Go plugin /opt/audited.so; shared objects are not loaded: compile the handler in")
}

func coreYAML(n *localnet.Network, org localnet.Org) string {
	return filepath.Join(n.Dir, "nodes", org.Peer.Name, "core.yaml")
}

// log is what a node has written.
func (n *network) log(node localnet.Node) string {
	n.t.Helper()
	b, err := os.ReadFile(n.LogFile(node))
	require.NoError(n.t, err)
	return string(b)
}

// replaceInFile replaces the first occurrence of a text in a file.
func replaceInFile(t *testing.T, file, old, with string) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(b), old)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(b), old, with, 1)), 0o644))
}
