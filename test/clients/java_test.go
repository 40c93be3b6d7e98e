//go:build clients

package clients

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

// java runs a program of the folder java.
func (n *network) java(t *testing.T, program string, args ...string) {
	t.Helper()
	require.DirExists(t, "java/target/lib", "run `make clients`")
	n.run(t, "java", "java", append([]string{"-cp", "target/classes:target/lib/*", "clients." + program}, args...)...)
}

// TestGatewayJava runs Maven's fabric-gateway-java 2.2 and the fabric-sdk-java below it.
func TestGatewayJava(t *testing.T) {
	n := start(t, localnet.Options{})
	n.material(t)
	require.True(t, t.Run("deploy", func(t *testing.T) { n.java(t, "Deploy") }))
	t.Run("transactions", func(t *testing.T) { n.java(t, "Transactions") })
	t.Run("events", func(t *testing.T) { n.java(t, "Events", "live") })
	t.Run("checkpoint", func(t *testing.T) {
		n.java(t, "Events", "die")
		require.NoError(t, n.StopNode(n.Orgs[0].Peer))
		require.NoError(t, n.StartNode(t.Context(), n.Orgs[0].Peer))
		n.java(t, "Events", "resume")
	})
}
