//go:build e2e

package e2e

import (
	"encoding/json"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// TestDebug talks to the Delve under which a chaincode runs, as a client would; on a machine without Delve it is told so.
func TestDebug(t *testing.T) {
	if _, err := exec.LookPath("dlv"); err != nil {
		_, err := localnet.Open(t.Context(), localnet.Options{Dir: t.TempDir(), Executable: kit.Binary(t), FreePorts: true, Debug: "counter"})
		require.ErrorContains(t, err, "debugging chaincode counter needs Delve, but there is no dlv on the PATH")
		return
	}
	n := start(t, localnet.Options{Debug: "counter"})
	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	require.Equal(t, "7", n.invoke("counter", "add", "c", "7"))
	for _, org := range n.Orgs {
		d := attach(t, n.DebugAddress(org.Peer))
		var state struct{ State struct{ Running bool } }
		d.call("State", map[string]any{"NonBlocking": true}, &state)
		require.True(t, state.State.Running)
		var sources struct{ Sources []string }
		d.call("Command", map[string]any{"name": "halt"}, nil)
		d.call("ListSources", map[string]any{"Filter": "^example.com/counter/"}, &sources)
		require.NotEmpty(t, sources.Sources, "files are named by import path")
		d.leave()
	}
	require.Equal(t, "7", n.same("counter", "get", "c"))
	addresses := []string{n.DebugAddress(n.Orgs[0].Peer), n.DebugAddress(n.Orgs[1].Peer)}
	require.NoError(t, n.Stop())
	for _, a := range addresses {
		require.Eventually(t, func() bool {
			c, err := net.Dial("tcp", a)
			if err == nil {
				c.Close()
			}
			return err != nil
		}, 10*time.Second, 50*time.Millisecond, "Delve ends with the peer")
	}
}

// delve is a client of a Delve server, which speaks JSON-RPC.
type delve struct {
	t    *testing.T
	conn net.Conn
	in   *json.Decoder
}

func attach(t *testing.T, address string) *delve {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &delve{t: t, conn: c, in: json.NewDecoder(c)}
}

func (d *delve) send(method string, argument any) {
	d.t.Helper()
	require.NoError(d.t, json.NewEncoder(d.conn).Encode(map[string]any{"method": "RPCServer." + method, "params": []any{argument}, "id": 1}))
}

func (d *delve) call(method string, argument any, result any) {
	d.t.Helper()
	d.send(method, argument)
	var answer struct {
		Result json.RawMessage
		Error  any
	}
	require.NoError(d.t, d.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	require.NoError(d.t, d.in.Decode(&answer))
	require.Nil(d.t, answer.Error, method)
	if result != nil {
		require.NoError(d.t, json.Unmarshal(answer.Result, result))
	}
}

// leave has the program go on, which is answered when it stops again, and hangs up.
func (d *delve) leave() {
	d.send("Command", map[string]any{"name": "continue"})
	d.conn.Close()
}
