package deliver_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// TestAnswers are the D. cases of real Fabric 1.4.12, and those of its errors.md, on a channel of 3 blocks.
func TestAnswers(t *testing.T) {
	n := serve(t, fabricChain(t, 3))
	old := func(h *commonpb.ChannelHeader) { h.Timestamp = timestamppb.New(time.Now().Add(-time.Hour)) }
	for name, c := range map[string]struct {
		env  *commonpb.Envelope
		want string
	}{
		"block 0..1":                     {request(seek(at(0), at(1), wait)), "block0, block1, SUCCESS, EOF"},
		"oldest..oldest":                 {request(seek(oldest, oldest, wait)), "block0, SUCCESS, EOF"},
		"newest..newest":                 {request(seek(newest, newest, wait)), "block2, SUCCESS, EOF"},
		"oldest..newest":                 {request(seek(oldest, newest, wait)), "block0, block1, block2, SUCCESS, EOF"},
		"nextcommit..nextcommit":         {request(seek(next, next, fail)), "NOT_FOUND, EOF"},
		"start>stop":                     {request(seek(at(2), at(1), wait)), "BAD_REQUEST, EOF"},
		"beyond height":                  {request(seek(at(9), at(9), fail)), "NOT_FOUND, EOF"},
		"beyond height, waiting":         {request(seek(at(9), at(9), wait)), "NOT_FOUND, EOF"},
		"beyond height and start>stop":   {request(seek(at(9), at(1), wait)), "NOT_FOUND, EOF"},
		"at height, not waiting":         {request(seek(at(3), at(3), fail)), "NOT_FOUND, EOF"},
		"newest..max":                    {request(seek(newest, at(math.MaxUint64), fail)), "block2, NOT_FOUND, EOF"},
		"nil start":                      {request(seek(nil, newest, wait)), "BAD_REQUEST, EOF"},
		"nil stop":                       {request(seek(newest, nil, wait)), "BAD_REQUEST, EOF"},
		"empty seekinfo":                 {request(&ordererpb.SeekInfo{}), "BAD_REQUEST, EOF"},
		"start without a position":       {request(seek(&ordererpb.SeekPosition{}, newest, wait)), "NOT_FOUND, EOF"},
		"unknown channel":                {request(seek(oldest, oldest, wait), func(h *commonpb.ChannelHeader) { h.ChannelId = "nochannel" }), "NOT_FOUND, EOF"},
		"no timestamp":                   {request(seek(oldest, oldest, wait), func(h *commonpb.ChannelHeader) { h.Timestamp = nil }), "BAD_REQUEST, EOF"},
		"timestamp 1h old":               {request(seek(oldest, oldest, wait), old), "BAD_REQUEST, EOF"},
		"absurd timestamp":               {request(seek(oldest, oldest, wait), func(h *commonpb.ChannelHeader) { h.Timestamp.Seconds = math.MinInt64 }), "BAD_REQUEST, EOF"},
		"wrong header type 0":            {request(seek(oldest, oldest, wait), func(h *commonpb.ChannelHeader) { h.Type = 0 }), "block0, SUCCESS, EOF"},
		"garbage payload":                {&commonpb.Envelope{Payload: []byte("garbage")}, "BAD_REQUEST, EOF"},
		"empty envelope":                 {&commonpb.Envelope{}, "BAD_REQUEST, EOF"},
		"garbage seekinfo":               {garbageData(), "BAD_REQUEST, EOF"},
		"payload without channel header": {&commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{Header: &commonpb.Header{}})}, "BAD_REQUEST, EOF"},
	} {
		for _, service := range services {
			t.Run(name+" ["+service+"]", func(t *testing.T) {
				require.Equal(t, c.want, n.ask(service, c.env))
			})
		}
	}
}

func garbageData() *commonpb.Envelope {
	env := request(&ordererpb.SeekInfo{})
	p := &commonpb.Payload{}
	if err := proto.Unmarshal(env.Payload, p); err != nil {
		panic(err)
	}
	p.Data = []byte("\xff\xffgarbage")
	return &commonpb.Envelope{Payload: wire.MustMarshal(p)}
}

func TestBlocksAreSentAsStored(t *testing.T) {
	c := fabricChain(t, 5)
	n := serve(t, c)
	for _, service := range services[:2] {
		s := n.open(service)
		require.NoError(t, s.SendMsg(request(seek(at(4), at(4), wait))))
		m := &ordererpb.DeliverResponse{}
		require.NoError(t, s.RecvMsg(m))
		require.Equal(t, c.blocks[4], wire.MustMarshal(m.GetBlock()))
	}
}

func TestStreamServesManyRequests(t *testing.T) {
	c := fabricChain(t, 2)
	n := serve(t, c)
	s := n.open("orderer")
	for range 3 {
		require.NoError(t, s.SendMsg(request(seek(newest, newest, wait))))
		require.Equal(t, "block1", s.next())
		require.Equal(t, "SUCCESS", s.next())
	}
	require.NoError(t, s.SendMsg(request(seek(at(2), at(3), wait)))) // start = height waits
	c.append(vectors.Read(t, "fabric-1.4", "chain", "2.block"))
	require.Equal(t, "block2", s.next())
	c.append(vectors.Read(t, "fabric-1.4", "chain", "3.block"))
	require.Equal(t, "block3", s.next())
	require.Equal(t, "SUCCESS", s.next())
	require.NoError(t, s.SendMsg(request(seek(at(9), at(9), wait))))
	require.Equal(t, "NOT_FOUND", s.next())
	require.Equal(t, "EOF", s.next())
	require.Equal(t, []string{"", "", "", "", ""}, c.resources, "the policy is asked once per request")
}

func TestPolicyIsAskedAgainAfterAConfiguration(t *testing.T) {
	for service, resource := range map[string]string{"orderer": "", "peer.full": acl.EventBlock, "peer.filtered": acl.EventFilteredBlock} {
		c := fabricChain(t, 2)
		n := serve(t, c)
		s := n.open(service)
		require.NoError(t, s.SendMsg(request(seek(at(0), at(math.MaxUint64), wait))))
		require.Equal(t, "block0", s.next())
		require.Equal(t, "block1", s.next())
		c.reconfigure(func(*tx.Envelope) error { return nil })
		c.append(vectors.Read(t, "fabric-1.4", "chain", "2.block"))
		require.Equal(t, "block2", s.next())
		c.reconfigure(func(*tx.Envelope) error { return errors.New("no more") })
		c.append(vectors.Read(t, "fabric-1.4", "chain", "3.block"))
		require.Equal(t, "FORBIDDEN", s.next())
		require.Equal(t, "EOF", s.next())
		require.Equal(t, []string{resource, resource, resource}, c.resources)
	}
}

func TestForbidden(t *testing.T) {
	c := fabricChain(t, 2)
	c.allow = func(e *tx.Envelope) error {
		if string(e.Creator()) != "creator" || string(e.Signature) != "signature" || len(e.Payload) == 0 {
			return errors.New("not the request that was sent")
		}
		return nil
	}
	n := serve(t, c)
	require.Equal(t, "block0, SUCCESS, EOF", n.ask("orderer", request(seek(oldest, oldest, wait))))
	spoiled := request(seek(nil, nil, wait))
	spoiled.Signature = nil
	require.Equal(t, "FORBIDDEN, EOF", n.ask("orderer", spoiled), "authorization comes before the request's own faults")
}

// TestExpiry moves the clock past the end of the client's certificate while its stream waits.
func TestExpiry(t *testing.T) {
	c := fabricChain(t, 2)
	var mu sync.Mutex
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	cert := vectors.Read(t, "fabric-1.4", "crypto", "peerOrganizations", "org1.example.com", "users", "User1@org1.example.com", "msp", "signcerts", "User1@org1.example.com-cert.pem")
	creator := wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org1MSP", IdBytes: cert})
	env := request(seek(at(1), at(9), wait), func(h *commonpb.ChannelHeader) { h.Timestamp = timestamppb.New(now) })
	p := &commonpb.Payload{}
	require.NoError(t, proto.Unmarshal(env.Payload, p))
	p.Header.SignatureHeader = wire.MustMarshal(&commonpb.SignatureHeader{Creator: creator})
	env.Payload = wire.MustMarshal(p)

	n := serve(t, c, func(s *deliver.Server) { s.Now = clock; s.TimeWindow = 100 * 365 * 24 * time.Hour })
	lax := serve(t, c, func(s *deliver.Server) {
		s.Now, s.TimeWindow, s.NoExpirationChecks = clock, 100*365*24*time.Hour, true
	})
	s, l := n.open("peer.full"), lax.open("peer.full")
	require.NoError(t, s.SendMsg(env))
	require.NoError(t, l.SendMsg(env))
	require.Equal(t, "block1", s.next())
	require.Equal(t, "block1", l.next())
	mu.Lock()
	now = now.AddDate(50, 0, 0)
	mu.Unlock()
	c.append(vectors.Read(t, "fabric-1.4", "chain", "2.block"))
	require.Equal(t, "FORBIDDEN", s.next())
	require.Equal(t, "EOF", s.next())
	require.Equal(t, "block2", l.next())
}

func TestConsenterErrors(t *testing.T) {
	c := fabricChain(t, 2)
	n := serve(t, c)
	waiting, lax := n.open("orderer"), n.open("orderer")
	require.NoError(t, waiting.SendMsg(request(seek(at(1), at(9), wait))))
	require.Equal(t, "block1", waiting.next())
	bestEffort := seek(at(1), at(9), wait)
	bestEffort.ErrorResponse = ordererpb.SeekInfo_BEST_EFFORT
	require.NoError(t, lax.SendMsg(request(bestEffort)))
	require.Equal(t, "block1", lax.next())

	close(c.errored)
	require.Equal(t, "SERVICE_UNAVAILABLE", waiting.next())
	require.Equal(t, "EOF", waiting.next())
	require.Equal(t, "SERVICE_UNAVAILABLE, EOF", n.ask("orderer", request(seek(oldest, oldest, wait))))
	c.append(vectors.Read(t, "fabric-1.4", "chain", "2.block"))
	require.Equal(t, "block2", lax.next())
}

func TestUnreadableBlock(t *testing.T) {
	c := fabricChain(t, 2)
	c.blocks[1] = nil
	n := serve(t, c)
	require.Equal(t, "block0, SERVICE_UNAVAILABLE, EOF", n.ask("peer.full", request(seek(at(0), at(1), wait))))
}

// TestBinding: a server that requires client certificates also requires requests to name them.
func TestBinding(t *testing.T) {
	n := serve(t, fabricChain(t, 1), func(s *deliver.Server) { s.MutualTLS = true })
	env := request(seek(oldest, oldest, wait))
	require.Equal(t, "BAD_REQUEST, EOF", n.ask("orderer", env))
	env = request(seek(oldest, oldest, wait), func(h *commonpb.ChannelHeader) { h.TlsCertHash = []byte("a claim without a certificate") })
	require.Equal(t, "BAD_REQUEST, EOF", n.ask("orderer", env))
}

// FuzzRequest: whatever the envelope holds, the stream ends with a status and nothing breaks.
func FuzzRequest(f *testing.F) {
	f.Add(wire.MustMarshal(request(seek(oldest, newest, fail))))
	f.Add(wire.MustMarshal(request(seek(at(math.MaxUint64), nil, fail))))
	f.Add(wire.MustMarshal(garbageData()))
	f.Add([]byte{})
	c := fabricChain(f, 2)
	f.Fuzz(func(t *testing.T, raw []byte) {
		env := &commonpb.Envelope{}
		if proto.Unmarshal(raw, env) != nil {
			return
		}
		n := serve(t, c)
		s := n.open("peer.filtered")
		require.NoError(t, s.SendMsg(env))
		require.NoError(t, s.CloseSend())
		stop := time.AfterFunc(time.Second, s.cancel) // a request may ask to wait for a block
		defer stop.Stop()
		answer := s.next()
		require.True(t, !strings.Contains(answer, "rpc error") || strings.Contains(answer, "code = Canceled"), answer)
	})
}
