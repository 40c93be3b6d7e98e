package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// signer signs with its name: the fakes do not verify.
type signer string

func (s signer) Sign(msg []byte) ([]byte, error) { return []byte("signed by " + s), nil }
func (s signer) Creator() []byte                 { return []byte(s) }

// fakePeer endorses with what answer returns and delivers the blocks that it is given.
type fakePeer struct {
	peerpb.UnimplementedEndorserServer
	peerpb.UnimplementedDeliverServer
	answer func(*tx.Proposal) (*peerpb.ProposalResponse, error)
	blocks []*commonpb.Block
	events chan *peerpb.DeliverResponse
	seeks  chan *tx.Envelope
}

func (f *fakePeer) ProcessProposal(_ context.Context, s *peerpb.SignedProposal) (*peerpb.ProposalResponse, error) {
	p, err := tx.ParseProposal(s)
	if err == nil {
		err = p.Open()
	}
	if err != nil {
		return nil, err
	}
	return f.answer(p)
}

func (f *fakePeer) Deliver(s peerpb.Deliver_DeliverServer) error {
	seek, err := parseSeek(s.Recv())
	if err != nil {
		return err
	}
	for _, b := range wanted(seek, f.blocks) {
		if err := s.Send(&peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
	}
	return s.Send(&peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_Status{Status: endStatus(seek, f.blocks)}})
}

func (f *fakePeer) DeliverFiltered(s peerpb.Deliver_DeliverFilteredServer) error {
	e, err := s.Recv()
	if err != nil {
		return err
	}
	if f.seeks != nil {
		parsed, err := tx.FromEnvelope(e)
		if err != nil {
			return err
		}
		f.seeks <- parsed
	}
	for {
		select {
		case <-s.Context().Done():
			return nil
		case r, ok := <-f.events:
			if !ok {
				return nil
			}
			if err := s.Send(r); err != nil {
				return err
			}
		}
	}
}

type fakeOrderer struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	answer *ordererpb.BroadcastResponse
	got    chan *commonpb.Envelope
	blocks []*commonpb.Block
}

func (f *fakeOrderer) Broadcast(s ordererpb.AtomicBroadcast_BroadcastServer) error {
	e, err := s.Recv()
	if err != nil {
		return err
	}
	if f.answer == nil {
		return status.Error(codes.Unavailable, "no leader")
	}
	if f.got != nil {
		f.got <- e
	}
	return s.Send(f.answer)
}

func (f *fakeOrderer) Deliver(s ordererpb.AtomicBroadcast_DeliverServer) error {
	seek, err := parseSeek(s.Recv())
	if err != nil {
		return err
	}
	for _, b := range wanted(seek, f.blocks) {
		if err := s.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
	}
	return s.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Status{Status: endStatus(seek, f.blocks)}})
}

func parseSeek(e *commonpb.Envelope, err error) (*ordererpb.SeekInfo, error) {
	if err != nil {
		return nil, err
	}
	p, err := tx.FromEnvelope(e)
	if err != nil {
		return nil, err
	}
	seek := &ordererpb.SeekInfo{}
	return seek, proto.Unmarshal(p.Data, seek)
}

func index(p *ordererpb.SeekPosition, blocks []*commonpb.Block) uint64 {
	switch t := p.Type.(type) {
	case *ordererpb.SeekPosition_Oldest:
		return 0
	case *ordererpb.SeekPosition_Newest:
		return uint64(len(blocks)) - 1 // beyond every block if there is none
	default:
		return t.(*ordererpb.SeekPosition_Specified).Specified.Number
	}
}

func wanted(seek *ordererpb.SeekInfo, blocks []*commonpb.Block) []*commonpb.Block {
	start, stop := index(seek.Start, blocks), index(seek.Stop, blocks)
	if start >= uint64(len(blocks)) {
		return nil
	}
	return blocks[start:min(stop+1, uint64(len(blocks)))]
}

func endStatus(seek *ordererpb.SeekInfo, blocks []*commonpb.Block) commonpb.Status {
	if index(seek.Start, blocks) >= uint64(len(blocks)) {
		return commonpb.Status_NOT_FOUND
	}
	return commonpb.Status_SUCCESS
}

func serve(t testing.TB, register func(*grpc.Server), serverTLS *comm.ServerTLS) string {
	t.Helper()
	s := comm.NewServer(comm.ServerOptions{Log: slog.New(slog.DiscardHandler), TLS: serverTLS})
	register(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}

func startPeer(t *testing.T, f *fakePeer) *client.Peer {
	t.Helper()
	address := serve(t, func(s *grpc.Server) {
		peerpb.RegisterEndorserServer(s, f)
		peerpb.RegisterDeliverServer(s, f)
	}, nil)
	p, err := client.ConnectPeer(t.Context(), address, comm.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func startOrderer(t *testing.T, f *fakeOrderer) *client.Orderer {
	t.Helper()
	address := serve(t, func(s *grpc.Server) { ordererpb.RegisterAtomicBroadcastServer(s, f) }, nil)
	o, err := client.ConnectOrderer(t.Context(), address, comm.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	return o
}

// endorsing answers as a peer whose chaincode returned payload and wrote writes.
func endorsing(payload, writes string) func(*tx.Proposal) (*peerpb.ProposalResponse, error) {
	return func(p *tx.Proposal) (*peerpb.ProposalResponse, error) {
		response := &peerpb.Response{Status: 200, Payload: []byte(payload)}
		action := wire.MustMarshal(&peerpb.ChaincodeAction{Response: response, Results: []byte(writes), ChaincodeId: p.Spec.ChaincodeId})
		return &peerpb.ProposalResponse{
			Version: 1, Response: response,
			Payload:     wire.MustMarshal(&peerpb.ProposalResponsePayload{ProposalHash: p.Hash(), Extension: action}),
			Endorsement: &peerpb.Endorsement{Endorser: []byte("peer"), Signature: []byte("ok")},
		}, nil
	}
}

func refusing(code int32, text string) func(*tx.Proposal) (*peerpb.ProposalResponse, error) {
	return func(*tx.Proposal) (*peerpb.ProposalResponse, error) {
		return &peerpb.ProposalResponse{Response: &peerpb.Response{Status: code, Message: text}}, nil
	}
}

// newCA returns a function that issues certificates for 127.0.0.1, and the CA's own in PEM.
func newCA(t *testing.T) (func(*testing.T, string) tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	require.NoError(t, err)
	issue := func(t *testing.T, name string) tls.Certificate {
		t.Helper()
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, root, &k.PublicKey, key)
		require.NoError(t, err)
		return tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: k}
	}
	return issue, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
