//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/test/kit"
)

// TestDemo runs the README's first command.
func TestDemo(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), kit.Binary(t), "demo")
	tmp := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
	for _, want := range []string{
		"instantiate asset:1.0", "block 1 VALID at both peers", "ENDORSEMENT_POLICY_FAILURE at both peers", "upgrade asset:2.0",
		`peer0.org1.example.com  [{"id":"rug","owner":"Boris","value":150},{"id":"tapestry","owner":"Anna","value":900}]`,
		`peer0.org2.example.com  [{"id":"rug","owner":"Boris","value":150},{"id":"tapestry","owner":"Anna","value":900}]`,
		"Both peers agree.",
	} {
		require.Contains(t, string(out), want)
	}
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left, "the demo cleans up behind itself")
}
