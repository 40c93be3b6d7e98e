//go:build clients

package clients

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// rawClient is a client of gRPC and the messages alone: of this repository it uses what protoc generates, so that an error in the packages
// that build, sign and parse requests cannot hide itself.
type rawClient struct {
	t           *testing.T
	creator     []byte
	key         *ecdsa.PrivateKey
	certificate *tls.Certificate // shown in TLS handshakes, if the network asks for one
	peers       []peerpb.EndorserClient
	events      []peerpb.DeliverClient
	orderer     ordererpb.AtomicBroadcastClient
}

// raw connects to all nodes as i. The connections end with the test.
func (n *network) raw(t *testing.T, i localnet.Identity) *rawClient {
	t.Helper()
	var entry struct {
		Credentials struct{ Certificate, PrivateKey string }
	}
	file, err := os.ReadFile(filepath.Join(n.Wallet(), i.Name()+".id"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(file, &entry))
	block, _ := pem.Decode([]byte(entry.Credentials.PrivateKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	c := &rawClient{t: t, key: key.(*ecdsa.PrivateKey), creator: encode(&msppb.SerializedIdentity{
		Mspid: i.Org.MSPID, IdBytes: []byte(entry.Credentials.Certificate),
	})}
	if n.MutualTLS {
		dir := filepath.Join(n.Dir, i.UserDir(), "tls")
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key"))
		require.NoError(t, err)
		c.certificate = &pair
	}
	for _, org := range n.Orgs {
		conn := c.connect(org.Peer, n.PeerCA(org))
		c.peers, c.events = append(c.peers, peerpb.NewEndorserClient(conn)), append(c.events, peerpb.NewDeliverClient(conn))
	}
	c.orderer = ordererpb.NewAtomicBroadcastClient(c.connect(n.Orderer, n.OrdererCA()))
	return c
}

func (c *rawClient) connect(node localnet.Node, ca string) *grpc.ClientConn {
	c.t.Helper()
	roots := x509.NewCertPool()
	cert, err := os.ReadFile(ca)
	require.NoError(c.t, err)
	require.True(c.t, roots.AppendCertsFromPEM(cert))
	conf := &tls.Config{RootCAs: roots, ServerName: node.Name}
	if c.certificate != nil {
		conf.Certificates = []tls.Certificate{*c.certificate}
	}
	conn, err := grpc.NewClient(node.Address(), grpc.WithTransportCredentials(credentials.NewTLS(conf)))
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// sign signs as Fabric wants it: ECDSA over SHA-256, with the smaller of the two possible s.
func (c *rawClient) sign(message []byte) []byte {
	c.t.Helper()
	digest := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, c.key, digest[:])
	require.NoError(c.t, err)
	if order := c.key.Params().N; s.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		s.Sub(order, s)
	}
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	require.NoError(c.t, err)
	return signature
}

// header is a new transaction's, or another request's.
func (c *rawClient) header(kind commonpb.HeaderType, channel, chaincode string) (*commonpb.Header, string) {
	nonce := make([]byte, 24)
	_, _ = rand.Read(nonce)
	id := sha256.Sum256(append(append([]byte{}, nonce...), c.creator...))
	ch := &commonpb.ChannelHeader{Type: int32(kind), ChannelId: channel, TxId: hex.EncodeToString(id[:]), Timestamp: timestamppb.Now()}
	if chaincode != "" {
		ch.Extension = encode(&peerpb.ChaincodeHeaderExtension{ChaincodeId: &peerpb.ChaincodeID{Name: chaincode}})
	}
	if c.certificate != nil {
		hash := sha256.Sum256(c.certificate.Certificate[0])
		ch.TlsCertHash = hash[:]
	}
	return &commonpb.Header{
		ChannelHeader:   encode(ch),
		SignatureHeader: encode(&commonpb.SignatureHeader{Creator: c.creator, Nonce: nonce}),
	}, ch.TxId
}

// endorsed is a call of a chaincode that peers have answered.
type endorsed struct {
	id        string
	header    *commonpb.Header
	payload   []byte // of the proposal
	responses []*peerpb.ProposalResponse
}

// propose calls a chaincode on peers, in turn. It returns an error if one does not answer.
func (c *rawClient) propose(ctx context.Context, peers []peerpb.EndorserClient, channel, chaincode string, args ...[]byte) (*endorsed, error) {
	header, id := c.header(commonpb.HeaderType_ENDORSER_TRANSACTION, channel, chaincode)
	e := &endorsed{id: id, header: header, payload: encode(&peerpb.ChaincodeProposalPayload{
		Input: encode(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: chaincode}, Input: &peerpb.ChaincodeInput{Args: args},
		}}),
	})}
	proposal := encode(&peerpb.Proposal{Header: encode(header), Payload: e.payload})
	signed := &peerpb.SignedProposal{ProposalBytes: proposal, Signature: c.sign(proposal)}
	for _, peer := range peers {
		r, err := peer.ProcessProposal(ctx, signed)
		if err != nil {
			return nil, err
		}
		e.responses = append(e.responses, r)
	}
	return e, nil
}

// envelope signs a payload.
func (c *rawClient) envelope(header *commonpb.Header, data proto.Message) *commonpb.Envelope {
	payload := encode(&commonpb.Payload{Header: header, Data: encode(data)})
	return &commonpb.Envelope{Payload: payload, Signature: c.sign(payload)}
}

// transaction puts what was endorsed into an envelope.
func (c *rawClient) transaction(e *endorsed) *commonpb.Envelope {
	action := &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: e.responses[0].Payload}
	for _, r := range e.responses {
		action.Endorsements = append(action.Endorsements, r.Endorsement)
	}
	return c.envelope(e.header, &peerpb.Transaction{Actions: []*peerpb.TransactionAction{{
		Header:  e.header.SignatureHeader,
		Payload: encode(&peerpb.ChaincodeActionPayload{ChaincodeProposalPayload: e.payload, Action: action}),
	}}})
}

// broadcast sends an envelope to the orderer and returns its answer.
func (c *rawClient) broadcast(ctx context.Context, e *commonpb.Envelope) *ordererpb.BroadcastResponse {
	c.t.Helper()
	stream, err := c.orderer.Broadcast(ctx)
	require.NoError(c.t, err)
	require.NoError(c.t, stream.Send(e))
	answer, err := stream.Recv()
	require.NoError(c.t, err)
	require.NoError(c.t, stream.CloseSend())
	return answer
}

// seek asks for the blocks of a channel from one number on, or from the newest for nil.
func (c *rawClient) seek(channel string, from *uint64) *commonpb.Envelope {
	start := &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Newest{Newest: &ordererpb.SeekNewest{}}}
	if from != nil {
		start.Type = &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: *from}}
	}
	header, _ := c.header(commonpb.HeaderType_DELIVER_SEEK_INFO, channel, "")
	return c.envelope(header, &ordererpb.SeekInfo{
		Start: start,
		Stop:  &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: ^uint64(0)}}},
	})
}

func encode(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // a message that was just made
	}
	return b
}
