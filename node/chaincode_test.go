package node

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
)

// newConfiguredPeer is a peer with nothing but its configuration, core.yaml, and a log.
func newConfiguredPeer(t *testing.T, core string, log io.Writer) *peer {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "core.yaml"), []byte(core), 0o600))
	conf, _, err := config.LoadCore([]string{"FABRIC_CFG_PATH=" + dir})
	require.NoError(t, err)
	conf.Peer.FileSystemPath = dir
	logs, err := logging.New(log, "", "")
	require.NoError(t, err)
	return &peer{conf: conf, logs: logs, metrics: prometheus.NewRegistry()}
}

func TestChaincodeLearnsItsLogLevels(t *testing.T) {
	p := newConfiguredPeer(t, `
chaincode:
  logging: {level: "info,ledger=debug", shim: error, format: "%{message}"}
`, io.Discard)
	support, _, err := p.newChaincodeSupport()
	require.NoError(t, err)
	defer support.Close()
	require.Equal(t, []string{
		"CORE_CHAINCODE_LOGGING_LEVEL=info,ledger=debug",
		"CORE_CHAINCODE_LOGGING_SHIM=error",
		"CORE_CHAINCODE_LOGGING_FORMAT=%{message}",
	}, support.Env)
}
