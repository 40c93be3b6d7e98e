package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "org1-user1.sh")
	require.NoError(t, os.WriteFile(file, []byte(`# Source this
export CORE_PEER_LOCALMSPID='Org1MSP'
export CORE_PEER_MSPCONFIGPATH='/it'\''s/msp'
CORE_PEER_ADDRESS=127.0.0.1:7051
export CORE_PEER_TLS_ENABLED="true"
export CORE_PEER_TLS_ROOTCERT_FILE=/ca.crt
export ORDERER_ADDRESS='127.0.0.1:7050'
export ORDERER_CA='/o.crt'
`), 0o600))
	target := &target{envFiles: []string{file}, peers: []string{"127.0.0.1:9051"}}
	require.NoError(t, target.readEnvFiles())
	require.Equal(t, "Org1MSP", target.mspID)
	require.Equal(t, "/it's/msp", target.mspDir)
	require.Equal(t, []string{"127.0.0.1:7051=/ca.crt", "127.0.0.1:9051"}, target.peers)
	require.Equal(t, "127.0.0.1:7050=/o.crt", target.orderer)

	require.NoError(t, os.WriteFile(file, []byte("nothing\n"), 0o600))
	target.envFiles = []string{file}
	require.ErrorContains(t, target.readEnvFiles(), "has no line of the form NAME=value")
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"submit"}, "who is asking? Give --env, or --msp-id and --msp-dir"},
		{[]string{"endorse", "--workers", "0"}, "--workers is at least 1"},
		{[]string{"order", "--process", "peer"}, "a process is given as NAME=PID"},
		{[]string{"commit", "--blocks", "b"}, "--blocks and --channel-block go together"},
		{[]string{"local", "much"}, "unknown command"},
		{[]string{"growth", "--axis", "x"}, `--axis is one of keys, block, chaincodes, channels, signers, not "x"`},
		{[]string{"growth", "--rounds", "0"}, "--count, --rounds and --workers are at least 1"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 1, Run(t.Context(), c.args, &out, &errs), c.args)
		require.Contains(t, errs.String(), c.want)
	}
}
