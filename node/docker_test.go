package node

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
)

// TestChooseRuntime: what the configuration says is done; where it says nothing, containers are for those who name an engine.
func TestChooseRuntime(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "engine.sock"))
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	there, gone := "unix://"+listener.Addr().String(), "unix:///nonexistent/docker.sock"
	logs, err := logging.New(io.Discard, "", "info")
	require.NoError(t, err)
	for _, c := range []struct {
		runtime, mode, endpoint string
		docker                  bool
	}{
		{"", "net", there, true},
		{"", "net", gone, true}, // chaincode must not run outside of containers because an engine is down
		{"docker", "net", there, true},
		{"docker", "net", gone, true},
		{"process", "net", there, false},
		{"docker", "dev", there, false},
	} {
		conf, _, err := config.ParseCore("core.yaml", []byte("chaincode: {runtime: "+c.runtime+", mode: "+c.mode+"}\nvm: {endpoint: '"+c.endpoint+"'}\n"), nil)
		require.NoError(t, err)
		p := &peer{conf: conf, logs: logs, metrics: newPeerMetrics(logs)}
		require.NoError(t, p.chooseRuntime(t.Context()))
		require.Equal(t, c.docker, p.docker != nil, "%+v", c)
		if p.docker != nil {
			require.Equal(t, c.endpoint == there, p.docker.Ping(t.Context()) == nil)
			require.NoError(t, p.docker.Close())
		}
	}
	conf, _, err := config.ParseCore("core.yaml", []byte("vm: {endpoint: nonsense}\n"), nil)
	require.NoError(t, err)
	require.ErrorContains(t, (&peer{conf: conf, logs: logs, metrics: newPeerMetrics(logs)}).chooseRuntime(t.Context()), "vm.endpoint nonsense")
}
