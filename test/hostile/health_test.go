//go:build e2e

package hostile

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// noPanics looks through everything the nodes wrote.
func (n *network) noPanics() {
	n.t.Helper()
	for _, node := range kit.Nodes(n.Network) {
		f, err := os.Open(n.LogFile(node))
		require.NoError(n.t, err)
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "panic") {
				n.t.Errorf("%s wrote: %.500s", node.Name, lines.Text())
			}
		}
		require.NoError(n.t, lines.Err())
	}
}

// peak is the most memory, in MiB, that a node ever had resident.
func (n *network) peak(node localnet.Node) int {
	n.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Pid(node)))
	require.NoError(n.t, err)
	_, rest, found := strings.Cut(string(raw), "VmHWM:")
	require.True(n.t, found)
	var kib int
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(n.t, err)
	return kib / 1024
}
