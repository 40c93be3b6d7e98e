package node

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/runtime"
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
	return &peer{conf: conf, address: conf.Peer.Address, logs: logs, metrics: newPeerMetrics(logs)}
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

func TestDebuggedChaincode(t *testing.T) {
	const core = "chaincode: {process: {debug: {name: asset, listenAddress: \"127.0.0.1:4000\"}}}"
	path := t.TempDir()
	t.Setenv("PATH", path)
	p := newConfiguredPeer(t, core, io.Discard)
	_, _, err := p.newChaincodeSupport()
	require.EqualError(t, err, "chaincode.process.debug.name asks for chaincode asset to be debugged, which needs Delve, but there is no dlv on the PATH; "+
		"install it with: go install github.com/go-delve/delve/cmd/dlv@latest")

	require.NoError(t, os.WriteFile(filepath.Join(path, "dlv"), []byte("#!/bin/sh\n"), 0o755))
	p = newConfiguredPeer(t, core, io.Discard)
	support, _, err := p.newChaincodeSupport()
	require.NoError(t, err)
	defer support.Close()
	require.Equal(t, "asset", support.Debugged)
	process, err := p.newProcessRuntime("127.0.0.1:7052")
	require.NoError(t, err)
	require.Equal(t, &runtime.Debugger{Chaincode: "asset", Path: filepath.Join(path, "dlv"), ListenAddress: "127.0.0.1:4000"}, process.Debugger)
}

// TestConfinement: one line says what chaincode processes are kept from.
func TestConfinement(t *testing.T) {
	var log bytes.Buffer
	p := newConfiguredPeer(t, "chaincode: {process: {memory: 1g, files: 7, processes: 0}}", &log)
	limits, err := p.confinement("peer0:7052")
	require.NoError(t, err)
	require.Equal(t, &confine.Limits{Memory: 1 << 30, Files: 7}, limits)
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	for _, missing := range confine.Missing(&confine.Spec{Lookup: true}) {
		require.Contains(t, log.String(), missing)
	}
	log.Reset()
	p = newConfiguredPeer(t, "chaincode: {process: {confined: false}}", &log)
	limits, err = p.confinement("peer0:7052")
	require.NoError(t, err)
	require.Nil(t, limits)
	require.Contains(t, log.String(), "Chaincode processes are not confined: they can do whatever the peer's user can (chaincode.process.confined is false)")

	p = newConfiguredPeer(t, "chaincode: {}", &log)
	limits, err = p.confinement("127.0.0.1:7052")
	require.NoError(t, err)
	require.Equal(t, &confine.Limits{Memory: 2 << 30, Files: 4096, Processes: 1024}, limits)
	_, err = p.confinement("127.0.0.1")
	require.ErrorContains(t, err, "the address where chaincode finds the peer: ")
}
