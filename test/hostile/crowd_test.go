//go:build e2e

package hostile

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// crowds opens a thousand streams of each kind, over many connections, that ask for all blocks for ever and read none, while an ordinary
// client goes about its business.
func (n *network) crowds(t *testing.T) {
	const streams, connections = 1000, 20
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ask := wire.MustMarshal(seek{signer: n.who.User, info: between(oldest, at(math.MaxUint64))}.envelope(t, n.Channel))
	crowd := func(dial func() *grpc.ClientConn, method string, first []byte) {
		conns := make([]*grpc.ClientConn, connections)
		for i := range conns {
			conns[i] = dial()
		}
		var g errgroup.Group
		g.SetLimit(connections)
		for i := range streams {
			g.Go(func() error {
				s, err := call{conn: conns[i%connections], method: method}.open(ctx)
				if err == nil && first != nil {
					err = s.SendMsg(first)
				}
				return err
			})
		}
		require.NoError(t, g.Wait())
	}
	peer := func() *grpc.ClientConn { return n.dialPeer(n.Orgs[0]) }
	crowd(peer, peerpb.Deliver_Deliver_FullMethodName, ask)
	crowd(peer, peerpb.Deliver_DeliverFiltered_FullMethodName, ask)
	crowd(peer, peerpb.Endorser_ProcessProposal_FullMethodName, nil) // announced and never sent
	crowd(n.dialOrderer, ordererpb.AtomicBroadcast_Deliver_FullMethodName, ask)
	crowd(n.dialOrderer, ordererpb.AtomicBroadcast_Broadcast_FullMethodName, nil)
	crowd(func() *grpc.ClientConn { return n.dialChaincode(t, "kv:1.0") }, peerpb.ChaincodeSupport_Register_FullMethodName, nil)
	for range 3 {
		n.commits(t)
	}
}
