//go:build e2e

package hostile

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// noPanics looks through everything the nodes wrote.
func (n *network) noPanics(t *testing.T) {
	t.Helper()
	for _, node := range kit.Nodes(n.Network) {
		f, err := os.Open(n.LogFile(node))
		require.NoError(t, err)
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "panic") {
				t.Errorf("%s wrote: %.500s", node.Name, lines.Text())
			}
		}
		require.NoError(t, lines.Err())
	}
}

// peak is the most memory, in MiB, that a node ever had resident.
func (n *network) peak(t *testing.T, node localnet.Node) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Pid(node)))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(raw), "VmHWM:")
	require.True(t, found)
	var kib int
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(t, err)
	return kib / 1024
}
