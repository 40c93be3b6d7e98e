//go:build e2e

package hostile

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// bound is the most memory, in MiB, that a node may need whatever is done to it here; messages of 100 MB are the worst.
const bound = 2048

// TestHostile does to one network all that its doors let through, and wants it at work after each assault.
func TestHostile(t *testing.T) {
	n := start(t)
	n.commits(t)
	stalled := n.stall(t)
	for _, assault := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"malformed messages", n.malformed},
		{"signed nonsense", n.signedNonsense},
		{"registration", n.registration},
		{"garbage at the doors", n.garbageAtTheDoors},
		{"operations", n.operations},
		{"huge messages", n.huge},
		{"crowds", n.crowds},
		{"stalled handshakes", stalled},
	} {
		t.Run(assault.name, func(t *testing.T) {
			begin := time.Now()
			assault.run(t)
			t.Logf("took %s", time.Since(begin).Round(time.Millisecond))
			n.commits(t)
			for _, node := range kit.Nodes(n.Network) {
				peak := n.peak(t, node)
				t.Logf("%s: at most %d MiB", node.Name, peak)
				assert.Less(t, peak, bound, node.Name)
			}
		})
	}
	n.noPanics(t)
}

// call is one remote procedure that a hostile client can reach.
type call struct {
	name   string
	conn   *grpc.ClientConn
	method string
}

// calls are the remote procedures of the network: of one peer, of its chaincode listener as the chaincode kv, and of the orderer.
func (n *network) calls(t *testing.T) []call {
	return []call{
		{"endorser", n.peers[0], peerpb.Endorser_ProcessProposal_FullMethodName},
		{"deliver", n.peers[0], peerpb.Deliver_Deliver_FullMethodName},
		{"filtered", n.peers[0], peerpb.Deliver_DeliverFiltered_FullMethodName},
		{"register", n.dialChaincode(t, "kv:1.0"), peerpb.ChaincodeSupport_Register_FullMethodName},
		{"broadcast", n.orderer, ordererpb.AtomicBroadcast_Broadcast_FullMethodName},
		{"orderer deliver", n.orderer, ordererpb.AtomicBroadcast_Deliver_FullMethodName},
	}
}

// raw sends and receives messages as bytes.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (raw) Name() string                  { return "proto" }
func (raw) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = b
	return nil
}

// open begins a call on which any bytes can be sent. It ends with ctx.
func (c call) open(ctx context.Context) (grpc.ClientStream, error) {
	return c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, c.method, grpc.ForceCodec(raw{}))
}

// send has one message of any bytes answered: by messages, by an error, or by the end of the call. It returns the call's end.
func (c call) send(t *testing.T, message []byte) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := c.open(ctx)
	require.NoError(t, err)
	_ = s.SendMsg(message) // that the server ended the call is told by RecvMsg
	_ = s.CloseSend()
	for err == nil {
		var answer []byte
		err = s.RecvMsg(&answer)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	code := status.Code(err)
	require.NotEqual(t, codes.DeadlineExceeded, code, "%s: no answer to %.100q", c.name, message)
	require.NotEqual(t, codes.Unavailable, code, "%s: cut off by %.100q: %v", c.name, message, err)
	require.NotContains(t, err.Error(), "internal error in", "%s: panic after %.100q", c.name, message)
	return err
}

// dialChaincode connects to the chaincode listener of Org1's peer as the running chaincode id does, with its certificate.
func (n *network) dialChaincode(t *testing.T, id string) *grpc.ClientConn {
	t.Helper()
	org := n.Orgs[0]
	dirs, err := filepath.Glob(filepath.Join(n.Dir, "nodes", org.Peer.Name, "data", "chaincode-runtime", "running", "*"))
	require.NoError(t, err)
	require.Len(t, dirs, 1, "the working directory of %s", id)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dirs[0], "client_pem.crt"), filepath.Join(dirs[0], "client_pem.key"))
	require.NoError(t, err)
	root, err := os.ReadFile(filepath.Join(dirs[0], "peer.crt"))
	require.NoError(t, err)
	roots, err := comm.NewRoots(root)
	require.NoError(t, err)
	conn, err := comm.Dial(t.Context(), org.Peer.ChaincodeAddress(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots, Certificate: &pair}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// registration tries to become a chaincode without its certificate, or another chaincode with it.
func (n *network) registration(t *testing.T) {
	_, err := comm.Dial(t.Context(), n.Orgs[0].Peer.ChaincodeAddress(), kit.TLS(t, n.PeerCA(n.Orgs[0])))
	require.Error(t, err, "the chaincode listener's certificate is not of the peer's CA")

	conn := n.dialChaincode(t, "kv:1.0")
	register := func(id string) error {
		s, err := peerpb.NewChaincodeSupportClient(conn).Register(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Send(&peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_REGISTER, Payload: chaincodeID(id)}))
		_ = s.CloseSend()
		m, err := s.Recv()
		require.Error(t, err, "answered %s", m)
		return err
	}
	require.ErrorContains(t, register("other:1.0"), "belongs to a different chaincode")
	require.ErrorContains(t, register(""), "REGISTER names no chaincode")
	require.ErrorContains(t, register(strings.Repeat("x", 1<<20)), "REGISTER names a chaincode in 1048576 bytes")
	require.ErrorIs(t, register("kv:1.0"), io.EOF, "kv is connected already: no answer, as in Fabric")
}
