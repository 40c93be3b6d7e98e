//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// TestMutualTLS runs the main job by the commands alone, solo-ordered, with client certificates required everywhere.
func TestMutualTLS(t *testing.T) {
	n := startBare(t, localnet.Options{MutualTLS: true, Consensus: "solo"})
	admin, user := n.Admin(n.Orgs[0]), n.User(n.Orgs[0])
	n.install("counter", "1.0", "counter")
	n.peer(admin, append([]string{"chaincode", "instantiate", "-C", n.Channel, "-n", "counter", "-v", "1.0", "-c", `{"Args":["init"]}`, "-P", both},
		n.OrdererFlags()...)...)
	args := []string{"chaincode", "invoke", "-C", n.Channel, "-n", "counter", "-c", `{"Args":["add","c","7"]}`, "--waitForEvent"}
	args = append(append(args, n.OrdererFlags()...), n.PeerFlags(n.Orgs...)...)
	require.Eventually(t, func() bool { // the instantiation may not be committed yet
		out, err := n.Peer(t.Context(), user, args...)
		return err == nil && strings.Contains(out.Stderr, "committed with status (VALID)")
	}, time.Minute, 200*time.Millisecond)
	require.Equal(t, "7\n", n.peer(n.User(n.Orgs[1]), "chaincode", "query", "-C", n.Channel, "-n", "counter", "-c", `{"Args":["get","c"]}`).Stdout)

	require.Equal(t, "status:STARTED \n", n.peer(admin, "node", "status").Stdout)
	out, err := n.Peer(t.Context(), user, "node", "status")
	require.ErrorContains(t, err, "desc = access denied", "status is for administrators")
	require.Equal(t, "status:UNKNOWN \n", out.Stdout)

	_, err = n.PeerWith(t.Context(), user, []string{"CORE_PEER_TLS_CLIENTAUTHREQUIRED=false"},
		"chaincode", "query", "-C", n.Channel, "-n", "counter", "-c", `{"Args":["get","c"]}`)
	require.Error(t, err, "a client without a certificate is not let in")
}

// TestDevelopmentMode starts the chaincode by hand.
func TestDevelopmentMode(t *testing.T) {
	n := start(t, localnet.Options{DevMode: true})
	n.install("counter", "1.0", "counter")
	raw, err := os.ReadFile(filepath.Join(n.Dir, "nodes", n.Orgs[0].Peer.Name, "data", "chaincodes", "counter.1.0"))
	require.NoError(t, err)
	pkg, err := pack.Parse(raw)
	require.NoError(t, err)
	bin, err := golang.Build(t.Context(), golang.BuildRequest{
		CodePackage: pkg.Spec.CodePackage, Path: pkg.Path, CacheDir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)

	require.Contains(t, n.peerFails(n.Admin(n.Orgs[0]), append([]string{
		"chaincode", "instantiate", "-C", n.Channel, "-n", "counter", "-v", "1.0", "-c", `{"Args":["init"]}`,
	}, n.OrdererFlags()...)...), "development mode")

	for _, org := range n.Orgs {
		cmd := exec.CommandContext(t.Context(), bin, "-peer.address="+org.Peer.ChaincodeAddress())
		cmd.Env = append(os.Environ(), "CORE_CHAINCODE_ID_NAME=counter:1.0", "CORE_PEER_TLS_ENABLED=false")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("chaincode: %s", out.String())
			}
		})
	}
	require.Eventually(t, func() bool {
		_, err := n.Peer(t.Context(), n.Admin(n.Orgs[0]), append([]string{
			"chaincode", "instantiate", "-C", n.Channel, "-n", "counter", "-v", "1.0", "-c", `{"Args":["init"]}`, "-P", both,
		}, n.OrdererFlags()...)...)
		return err == nil
	}, 30*time.Second, 200*time.Millisecond)
	require.Eventually(t, func() bool {
		r, err := n.user.Invoke(t.Context(), n.route(n.peers...), n.request("counter", "add", "c", "5"))
		return err == nil && string(r.Response.Payload) == "5"
	}, 30*time.Second, 200*time.Millisecond)
}

// TestUp runs `heddle up` as a user does: it tells what to source, stops on Ctrl-C, and goes on when run again.
func TestUp(t *testing.T) {
	dir := t.TempDir()
	for round := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, kit.Binary(t), "up", "--dir", dir, "--free-ports")
		read, write := io.Pipe()
		cmd.Stdout, cmd.Stderr = write, write
		require.NoError(t, cmd.Start())
		said := make(chan string, 1)
		go func() {
			var all []byte
			buf := make([]byte, 4096)
			for {
				n, err := read.Read(buf)
				all = append(all, buf[:n]...)
				if err != nil || bytes.Contains(all, []byte("Ctrl-C stops")) {
					break
				}
			}
			said <- string(all)
			_, _ = io.Copy(io.Discard, read)
		}()
		text := <-said
		require.Contains(t, text, filepath.Join(dir, "env", "org2-admin.sh"), "round %d", round)
		shell := exec.CommandContext(ctx, "sh", "-c", ". "+filepath.Join(dir, "env", "org2-admin.sh")+" && exec "+kit.Binary(t)+" peer channel getinfo -c mychannel")
		out, err := shell.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), `Blockchain info: {"height":1`)
		operations(t, dir)
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		require.NoError(t, cmd.Wait())
		require.NoError(t, write.Close())
		cancel()
	}
}

// operations reads the peer's health and metrics and changes its log levels, over HTTP.
func operations(t *testing.T, dir string) {
	t.Helper()
	n, err := localnet.Open(t.Context(), localnet.Options{Dir: dir, Executable: kit.Binary(t)})
	require.NoError(t, err)
	base := "http://" + n.Orgs[0].Peer.OperationsAddress()
	get := func(path string) string {
		r, err := http.Get(base + path)
		require.NoError(t, err)
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.StatusCode, "%s", b)
		return string(b)
	}
	require.Contains(t, get("/healthz"), `"status":"OK"`)
	require.Contains(t, get("/metrics"), "deliver_streams_opened")
	put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/logspec", strings.NewReader(`{"spec":"info:endorser=debug"}`))
	require.NoError(t, err)
	r, err := http.DefaultClient.Do(put)
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, http.StatusNoContent, r.StatusCode)
	require.Contains(t, get("/logspec"), "endorser=debug")
}
