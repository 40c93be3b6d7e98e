package client_test

import (
	"context"
	"crypto/sha256"
	"math"
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
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// A block with somebody's garbage in it, for which the peer sends a status, hides nobody's transaction.
func TestWatchSeesBehindGarbage(t *testing.T) {
	peer := &fakePeer{events: make(chan *peerpb.DeliverResponse, 1)}
	for n := range uint64(3) {
		peer.blocks = append(peer.blocks, vectors.Block(t, "fabric-1.4", n))
	}
	wanted := vectors.Facts(t, "fabric-1.4")[2].Txs[0]
	garbage := &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_Status{Status: commonpb.Status_BAD_REQUEST}}
	peer.events <- garbage // block 2, the newest: before the watch began, or in it
	w, err := client.New(signer("alice")).Watch(t.Context(), "mychannel", wanted.TxID, startPeer(t, peer))
	require.NoError(t, err)
	commits, err := w.Wait(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, commits[0].Block)
	require.Equal(t, wanted.Code, commits[0].Code.String())

	peer = &fakePeer{events: make(chan *peerpb.DeliverResponse, 2), blocks: peer.blocks} // the first watch may still read the other's events
	peer.events <- filteredBlock(1, 0)
	peer.events <- garbage
	w, err = client.New(signer("alice")).Watch(t.Context(), "mychannel", wanted.TxID, startPeer(t, peer))
	require.NoError(t, err)
	commits, err = w.Wait(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, commits[0].Block)

	refusing := &fakePeer{events: make(chan *peerpb.DeliverResponse, 1)}
	refusing.events <- garbage
	_, err = client.New(signer("alice")).Watch(t.Context(), "mychannel", "id", startPeer(t, refusing))
	require.ErrorContains(t, err, "deliver completed with status (BAD_REQUEST) before txid received")
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
	require.ErrorAs(t, err, &failed)
	require.False(t, failed.NotSent)

	_, err = c.Watch(ctx, "ch", "id", startPeer(t, silent))
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.NotSent, "who cannot listen has nothing ordered")
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
		&comm.ServerTLS{Certificate: comm.NewCertificate(server), RequireClientCert: true, ClientRoots: roots})

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
