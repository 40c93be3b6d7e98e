//go:build clients

// Package clients runs programs that others wrote against networks of this repository: npm's fabric-network, fabric-common and fabric-client,
// Maven's fabric-gateway-java and fabric-sdk-java, and a client in Go that knows nothing but the messages. `make clients` fetches them first.
//
// What a client must achieve is written down in its own language, in programs that end with status 0 if it did; the tests here make the
// networks, run the programs, and stop and start nodes when a program asks for it.
package clients

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// programTime is what a program may take at most.
const programTime = 4 * time.Minute

// network is a running network that programs can use.
type network struct {
	*localnet.Network
	control *httptest.Server
	gopath  string
}

// start runs a network that ends with the test.
func start(t *testing.T, o localnet.Options) *network {
	t.Helper()
	n := &network{Network: kit.Run(t, o)}
	n.gopath = filepath.Join(n.Dir, "gopath")
	samples, err := heddle.Samples()
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(n.gopath, samples))
	n.control = httptest.NewServer(n.nodes())
	t.Cleanup(n.control.Close)
	return n
}

// nodes stops, starts, pauses and resumes nodes on behalf of a program: POST /<verb>/<node>.
func (n *network) nodes() http.Handler {
	verbs := map[string]func(context.Context, localnet.Node) error{
		"stop":   func(_ context.Context, node localnet.Node) error { return n.StopNode(node) },
		"start":  n.StartNode,
		"pause":  func(_ context.Context, node localnet.Node) error { return syscall.Kill(n.Pid(node), syscall.SIGSTOP) },
		"resume": func(_ context.Context, node localnet.Node) error { return syscall.Kill(n.Pid(node), syscall.SIGCONT) },
	}
	var one sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{verb}/{node}", func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		all := kit.Nodes(n.Network)
		at := slices.IndexFunc(all, func(node localnet.Node) bool { return node.Name == r.PathValue("node") })
		verb := verbs[r.PathValue("verb")]
		if at < 0 || verb == nil {
			http.NotFound(w, r)
		} else if err := verb(r.Context(), all[at]); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

// run runs a program in a folder of this package; it must succeed.
func (n *network) run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HFC_LOGGING={}", "HEDDLE_NETWORK="+n.Dir, "HEDDLE_CONTROL="+n.control.URL)
	if n.MutualTLS {
		cmd.Env = append(cmd.Env, "HEDDLE_MUTUAL_TLS=yes")
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
}

// programs runs programs of a folder one after the other, each as a test of its own, until one fails.
func (n *network) programs(t *testing.T, dir, name string, programs ...string) {
	for _, p := range programs {
		args := strings.Fields(p)
		if !t.Run(strings.TrimSuffix(args[0], filepath.Ext(args[0])), func(t *testing.T) { n.run(t, dir, name, args...) }) {
			return
		}
	}
}

// tool runs a tool of the executable in the network's directory.
func (n *network) tool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), kit.Binary(t), args...)
	cmd.Dir = n.Dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// peer runs a peer command with the samples' GOPATH.
func (n *network) peer(t *testing.T, i localnet.Identity, args ...string) {
	t.Helper()
	_, err := n.PeerWith(t.Context(), i, []string{"GOPATH=" + n.gopath, "GO111MODULE=off"}, args...)
	require.NoError(t, err)
}

// material puts into the network's directory what programs deploy and configure with: asset's two versions as packages asset.<version>.pkg,
// and the transactions that create a channel second and set its anchor peer.
func (n *network) material(t *testing.T) {
	t.Helper()
	for version, sample := range map[string]string{"1.0": "asset", "2.0": "asset2"} {
		n.peer(t, n.Admin(n.Orgs[0]), "chaincode", "package", "-n", "asset", "-v", version, "-p", "example.com/"+sample, fmt.Sprintf("asset.%s.pkg", version))
	}
	configtxgen := []string{"configtxgen", "-configPath", ".", "-profile", "Channel", "-channelID", "second"}
	n.tool(t, append(configtxgen, "-outputCreateChannelTx", "channel/second.tx")...)
	n.tool(t, append(configtxgen, "-outputAnchorPeersUpdate", "channel/anchors.tx", "-asOrg", n.Orgs[0].MSPID)...)
}
