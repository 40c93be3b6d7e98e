package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
		return uint64(len(blocks)) - 1
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

var put = client.Request{ChannelID: "ch", Chaincode: "kv", Args: client.Args("put", "a", "1")}

func TestEndorse(t *testing.T) {
	good, same := startPeer(t, &fakePeer{answer: endorsing("ok", "w")}), startPeer(t, &fakePeer{answer: endorsing("ok", "w")})
	other := startPeer(t, &fakePeer{answer: endorsing("ok", "different")})
	shrug := startPeer(t, &fakePeer{answer: endorsing("hm", "w")})
	failing := startPeer(t, &fakePeer{answer: refusing(500, "it failed")})
	denying := startPeer(t, &fakePeer{answer: func(*tx.Proposal) (*peerpb.ProposalResponse, error) {
		return nil, status.Error(codes.Unknown, "access denied")
	}})
	empty := startPeer(t, &fakePeer{answer: func(*tx.Proposal) (*peerpb.ProposalResponse, error) { return &peerpb.ProposalResponse{}, nil }})

	c := client.New(signer("alice"))
	endorse := func(peers ...*client.Peer) error {
		p, err := c.NewProposal(put)
		require.NoError(t, err)
		r, err := c.Endorse(t.Context(), p, peers...)
		if err == nil {
			require.Len(t, r, len(peers))
		}
		return err
	}
	require.NoError(t, endorse(good, same))
	require.ErrorContains(t, endorse(), "no peer")

	var mismatch *client.MismatchError
	require.ErrorAs(t, endorse(good, same, other), &mismatch)
	require.Equal(t, "read-write set", mismatch.Differ)
	require.Equal(t, other.Address, mismatch.Second)
	require.ErrorContains(t, mismatch, "ProposalResponsePayloads do not match")
	require.ErrorAs(t, endorse(good, shrug), &mismatch)
	require.Equal(t, "chaincode's response", mismatch.Differ)

	var refused *client.EndorseError
	require.ErrorAs(t, endorse(good, failing), &refused)
	require.Equal(t, failing.Address, refused.Address)
	require.EqualValues(t, 500, refused.Response.Response.Status)
	require.ErrorContains(t, refused, "status 500: it failed")
	require.ErrorAs(t, endorse(denying, failing), &refused)
	require.Equal(t, codes.Unknown, status.Code(refused.Err))
	require.ErrorAs(t, endorse(empty), &refused)
	require.ErrorContains(t, refused, "without a response")
}

func TestQuery(t *testing.T) {
	p := startPeer(t, &fakePeer{answer: func(p *tx.Proposal) (*peerpb.ProposalResponse, error) {
		require.Equal(t, "a secret", string(p.Payload.TransientMap["k"]))
		return &peerpb.ProposalResponse{Response: &peerpb.Response{Status: 200, Payload: p.Spec.Input.Args[1]}}, nil
	}})
	r := put
	r.Transient = map[string][]byte{"k": []byte("a secret")}
	response, err := client.New(signer("alice")).Query(t.Context(), p, r)
	require.NoError(t, err)
	require.Equal(t, "a", string(response.Payload))
}

func TestBroadcast(t *testing.T) {
	e := &commonpb.Envelope{Payload: []byte("not a payload")}
	require.NoError(t, startOrderer(t, &fakeOrderer{answer: &ordererpb.BroadcastResponse{Status: commonpb.Status_SUCCESS}}).Broadcast(t.Context(), e))

	var failed *client.BroadcastError
	err := startOrderer(t, &fakeOrderer{answer: &ordererpb.BroadcastResponse{Status: commonpb.Status_FORBIDDEN, Info: "no"}}).Broadcast(t.Context(), e)
	require.ErrorAs(t, err, &failed)
	require.EqualError(t, failed, "got unexpected status: FORBIDDEN -- no")
	require.ErrorAs(t, startOrderer(t, &fakeOrderer{}).Broadcast(t.Context(), e), &failed)
	require.Equal(t, codes.Unavailable, status.Code(failed.Err))
}

func filteredBlock(number uint64, code peerpb.TxValidationCode, ids ...string) *peerpb.DeliverResponse {
	b := &peerpb.FilteredBlock{ChannelId: "ch", Number: number}
	for _, id := range ids {
		b.FilteredTransactions = append(b.FilteredTransactions, &peerpb.FilteredTransaction{
			Txid: id, TxValidationCode: code,
			Data: &peerpb.FilteredTransaction_TransactionActions{TransactionActions: &peerpb.FilteredTransactionActions{
				ChaincodeActions: []*peerpb.FilteredChaincodeAction{{ChaincodeEvent: &peerpb.ChaincodeEvent{EventName: "e", TxId: id}}},
			}},
		})
	}
	return &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_FilteredBlock{FilteredBlock: b}}
}

func TestInvokeWaitsForAllPeers(t *testing.T) {
	for _, code := range []peerpb.TxValidationCode{peerpb.TxValidationCode_VALID, peerpb.TxValidationCode_MVCC_READ_CONFLICT} {
		t.Run(code.String(), func(t *testing.T) {
			fakes := []*fakePeer{}
			peers := []*client.Peer{}
			for range 2 {
				f := &fakePeer{answer: endorsing("ok", "w"), events: make(chan *peerpb.DeliverResponse, 3), seeks: make(chan *tx.Envelope, 1)}
				f.events <- filteredBlock(6, peerpb.TxValidationCode_VALID, "earlier")
				fakes, peers = append(fakes, f), append(peers, startPeer(t, f))
			}
			orderer := &fakeOrderer{answer: &ordererpb.BroadcastResponse{Status: commonpb.Status_SUCCESS}, got: make(chan *commonpb.Envelope, 1)}
			route := client.Route{Endorsers: peers, Orderer: startOrderer(t, orderer), Wait: peers}

			done := make(chan struct{})
			go func() {
				defer close(done)
				e, err := tx.FromEnvelope(<-orderer.got)
				if err != nil {
					return
				}
				for i, f := range fakes {
					f.events <- filteredBlock(7, peerpb.TxValidationCode_VALID, "another")
					f.events <- filteredBlock(uint64(8+i), code, "x", e.TxID())
				}
			}()
			result, err := client.New(signer("alice")).Invoke(t.Context(), route, put)
			<-done
			if code == peerpb.TxValidationCode_VALID {
				require.NoError(t, err)
			} else {
				var bad *client.CommitError
				require.ErrorAs(t, err, &bad)
				require.Equal(t, code, bad.Code)
				require.EqualValues(t, 8, bad.Block)
			}
			require.Equal(t, "ok", string(result.Response.Payload))
			require.Len(t, result.Commits, 2)
			require.EqualValues(t, 9, result.Commits[1].Block)
			require.Equal(t, code, result.Commits[1].Code)
			require.Equal(t, result.TxID, result.Commits[0].Event.TxId)

			seek := &ordererpb.SeekInfo{}
			require.NoError(t, proto.Unmarshal((<-fakes[0].seeks).Data, seek))
			require.EqualValues(t, uint64(math.MaxUint64), seek.Stop.GetSpecified().GetNumber())
			require.NotNil(t, seek.Start.GetNewest())
		})
	}
}

func TestWatchFails(t *testing.T) {
	c := client.New(signer("alice"))
	closed := &fakePeer{events: make(chan *peerpb.DeliverResponse, 2)}
	closed.events <- filteredBlock(1, 0)
	closed.events <- &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_Status{Status: commonpb.Status_SERVICE_UNAVAILABLE}}
	silent := &fakePeer{events: make(chan *peerpb.DeliverResponse, 1)}
	silent.events <- filteredBlock(1, 0)
	a, b := startPeer(t, closed), startPeer(t, silent)

	w, err := c.Watch(t.Context(), "ch", "id", b, a)
	require.NoError(t, err)
	_, err = w.Wait(t.Context())
	var failed *client.CommitError
	require.ErrorAs(t, err, &failed, "one broken stream ends the wait on all")
	require.ErrorContains(t, err, "SERVICE_UNAVAILABLE")

	silent = &fakePeer{events: make(chan *peerpb.DeliverResponse, 1)}
	silent.events <- filteredBlock(2, 0)
	w, err = c.Watch(t.Context(), "ch", "id", startPeer(t, silent))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = w.Wait(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "timed out waiting for txid on all peers")
}

func TestBlocks(t *testing.T) {
	var blocks []*commonpb.Block
	for n := range uint64(3) {
		blocks = append(blocks, block.New(n, nil, [][]byte{{byte(n)}}))
	}
	c := client.New(signer("alice"))
	for name, from := range map[string]client.Deliverer{
		"peer":    startPeer(t, &fakePeer{blocks: blocks}),
		"orderer": startOrderer(t, &fakeOrderer{blocks: blocks}),
	} {
		t.Run(name, func(t *testing.T) {
			for p, want := range map[client.Position]uint64{client.Oldest(): 0, client.Newest(): 2, client.Number(1): 1} {
				b, err := c.Block(t.Context(), from, "ch", p)
				require.NoError(t, err)
				require.Equal(t, want, b.Header.Number)
			}
			var seen []uint64
			require.NoError(t, c.Blocks(t.Context(), from, "ch", client.Oldest(), client.Newest(), func(b *commonpb.Block) error {
				seen = append(seen, b.Header.Number)
				return nil
			}))
			require.Equal(t, []uint64{0, 1, 2}, seen)

			_, err := c.Block(t.Context(), from, "ch", client.Number(9))
			var failed *client.DeliverError
			require.ErrorAs(t, err, &failed)
			require.EqualError(t, err, "can't read the block: &{NOT_FOUND}")
			stop := context.Canceled
			require.ErrorIs(t, c.Blocks(t.Context(), from, "ch", client.Oldest(), client.Newest(), func(*commonpb.Block) error { return stop }), stop)
		})
	}
}

func TestConnectOverMutualTLS(t *testing.T) {
	ca, pool := newCA(t)
	roots, err := comm.NewRoots(pool)
	require.NoError(t, err)
	server, user := ca(t, "server"), ca(t, "user")
	peer := &fakePeer{events: make(chan *peerpb.DeliverResponse, 1), seeks: make(chan *tx.Envelope, 1)}
	peer.events <- filteredBlock(0, 0, "id")
	address := serve(t, func(s *grpc.Server) { peerpb.RegisterDeliverServer(s, peer) },
		&comm.ServerTLS{Certificate: server, RequireClientCert: true, ClientRoots: roots})

	p, err := client.ConnectPeer(t.Context(), address, comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots, Certificate: &user}})
	require.NoError(t, err)
	defer p.Close()
	w, err := client.New(signer("alice")).Watch(t.Context(), "ch", "id", p)
	require.NoError(t, err)
	commits, err := w.Wait(t.Context())
	require.NoError(t, err)
	require.Len(t, commits, 1)
	bound := sha256.Sum256(user.Certificate[0])
	require.Equal(t, bound[:], (<-peer.seeks).Channel.TlsCertHash)

	var failed *client.ConnectError
	_, err = client.ConnectPeer(t.Context(), "127.0.0.1:1", comm.ClientOptions{})
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "connection refused")
	_, err = client.ConnectPeer(t.Context(), address, comm.ClientOptions{Timeout: time.Second, TLS: &comm.ClientTLS{Roots: &comm.Roots{}}})
	require.ErrorAs(t, err, &failed)
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
