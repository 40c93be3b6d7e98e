//go:build clients

package clients

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestMutualTLS runs every client against nodes that ask it for a certificate.
func TestMutualTLS(t *testing.T) {
	n := start(t, localnet.Options{MutualTLS: true})
	n.material(t)
	t.Run("fabric-network", func(t *testing.T) { n.programs(t, "node2.2", "node", "deploy.js", "events.js") })
	t.Run("fabric-client", func(t *testing.T) { n.programs(t, "node1.4", "node", "transactions.js") })
	t.Run("fabric-gateway-java", func(t *testing.T) { n.java(t, "Events", "live") })
	t.Run("raw gRPC", n.rawCall)
	t.Run("without a certificate", func(t *testing.T) {
		conn := (&rawClient{t: t}).connect(n.Orgs[0].Peer, n.PeerCA(n.Orgs[0]))
		_, err := peerpb.NewEndorserClient(conn).ProcessProposal(t.Context(), &peerpb.SignedProposal{})
		require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	})
}
