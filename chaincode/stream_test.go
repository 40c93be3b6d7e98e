package chaincode_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// background begins an invoke and returns where its outcome will be.
func (p *peer) background(ctx context.Context, name string, args ...string) (*chaincode.Call, <-chan error) {
	p.t.Helper()
	c := p.call(name, args...)
	p.begin(c, channel)
	outcome := make(chan error, 1)
	go func() {
		_, _, err := p.Invoke(ctx, c)
		outcome <- err
	}()
	return c, outcome
}

func message(typ peerpb.ChaincodeMessage_Type, c *chaincode.Call, payload proto.Message) *peerpb.ChaincodeMessage {
	m := &peerpb.ChaincodeMessage{Type: typ, Txid: c.TxID, ChannelId: c.ChannelID}
	if payload != nil {
		m.Payload = wire.MustMarshal(payload)
	}
	return m
}

func receive(t *testing.T, l *line) *peerpb.ChaincodeMessage {
	t.Helper()
	m, err := l.Recv()
	require.NoError(t, err)
	return m
}

func TestManyTransactionsOnOneStream(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	for i := range 10 {
		p.put(channel, "kv", fmt.Sprint("k", i), []byte(fmt.Sprint("v", i)))
	}
	p.run("kv:1.0")
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			n := rand.IntN(10)
			r, err := p.invoke(t.Context(), "kv", "get", fmt.Sprint("k", n))
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint("v", n), string(r.Payload))
			if i%10 == 0 {
				_, err = p.invoke(t.Context(), "kv", "sleep", "20")
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

func TestASlowTransactionHoldsUpNobody(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	p.run("kv:1.0")
	_, slow := p.background(t.Context(), "kv", "sleep", "300")
	for range 20 {
		_, err := p.invoke(t.Context(), "kv", "getput", "a", "1", "5")
		require.NoError(t, err)
	}
	select {
	case <-slow:
		t.Fatal("the slow one should not be over yet")
	default:
	}
	require.NoError(t, <-slow)
}

func TestExecuteTimeout(t *testing.T) {
	p := newPeer(t, func(o *chaincode.Options) { o.ExecuteTimeout = 100 * time.Millisecond })
	p.define(channel, "kv", "1.0", "code")
	l := p.connect().register(t, "kv:1.0")
	c, outcome := p.background(t.Context(), "kv")
	require.Equal(t, peerpb.ChaincodeMessage_TRANSACTION, receive(t, l).Type)
	require.EqualError(t, <-outcome, "failed to execute transaction "+c.TxID+": error sending: timeout expired while executing transaction")

	// What the chaincode says afterwards is refused, and the stream goes on.
	require.NoError(t, l.Send(message(peerpb.ChaincodeMessage_GET_STATE, c, &peerpb.GetState{Key: "a"})))
	require.Contains(t, string(receive(t, l).Payload), "no ledger context")
	require.NoError(t, l.Send(message(peerpb.ChaincodeMessage_COMPLETED, c, &peerpb.Response{Status: 200})))
	c, outcome = p.background(t.Context(), "kv")
	receive(t, l)
	require.NoError(t, l.Send(message(peerpb.ChaincodeMessage_COMPLETED, c, &peerpb.Response{Status: 200})))
	require.NoError(t, <-outcome)
}

func TestCancelledInvoke(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	p.define(channel, "other", "1.0", "code of other")
	p.run("kv:1.0")
	p.run("other:1.0")
	for _, args := range [][]string{{"sleep", "1000"}, {"call", "other", "sleep", "1000"}, {"getput", "a", "1", "1000000"}} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		c, outcome := p.background(ctx, "kv", args...)
		require.EqualError(t, <-outcome, "failed to execute transaction "+c.TxID+": error sending: context deadline exceeded")
		c.Simulator.Close() // nothing works on it any more; the race detector would say so
		cancel()
	}
}

func TestATransactionIsInAChaincodeOnce(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	l := p.connect().register(t, "kv:1.0")
	c, outcome := p.background(t.Context(), "kv")
	receive(t, l)
	_, _, err := p.Invoke(t.Context(), c)
	require.EqualError(t, err, fmt.Sprintf("failed to execute transaction %[1]s: error sending: txid: %[1]s(mychannel) exists", c.TxID))
	l.hangUp()
	require.EqualError(t, <-outcome, "failed to execute transaction "+c.TxID+": error sending: chaincode stream terminated")
}

func TestASecondRequestIsDropped(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	p.define(channel, "slow", "1.0", "code of slow")
	p.run("slow:1.0")
	l := p.connect().register(t, "kv:1.0")
	c, outcome := p.background(t.Context(), "kv")
	receive(t, l)
	spec := &peerpb.ChaincodeSpec{
		ChaincodeId: &peerpb.ChaincodeID{Name: "slow"}, Input: &peerpb.ChaincodeInput{Args: [][]byte{[]byte("sleep"), []byte("100")}},
	}
	require.NoError(t, l.Send(message(peerpb.ChaincodeMessage_INVOKE_CHAINCODE, c, spec)))
	for range 1000 { // a flood
		require.NoError(t, l.Send(message(peerpb.ChaincodeMessage_GET_STATE, c, &peerpb.GetState{Key: "a"})))
	}
	a := receive(t, l)
	inner := &peerpb.ChaincodeMessage{}
	mustUnmarshal(a.Payload, inner)
	require.Equal(t, peerpb.ChaincodeMessage_COMPLETED, inner.Type, "the answer is that to the first")
	for range 3 { // a second end is nothing
		require.NoError(t, l.Send(message(peerpb.ChaincodeMessage_COMPLETED, c, &peerpb.Response{Status: 200})))
	}
	require.NoError(t, <-outcome)
}

func TestAFloodOfUnknownTransactions(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	l := p.connect().register(t, "kv:1.0")
	const n = 5000
	go func() {
		for i := range n {
			_ = l.Send(&peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_PUT_STATE, Txid: fmt.Sprint(i), ChannelId: strings.Repeat("x", i)})
		}
	}()
	for i := range n {
		m := receive(t, l)
		require.Equal(t, fmt.Sprintf("PUT_STATE failed: transaction ID: %d: no ledger context", i), string(m.Payload))
	}
}

// TestAChaincodeThatDoesNotListen neither reads nor dies. Its callers go, and so does it when the support closes.
func TestAChaincodeThatDoesNotListen(t *testing.T) {
	p := newPeer(t, func(o *chaincode.Options) { o.ExecuteTimeout, o.Keepalive = 200*time.Millisecond, time.Millisecond })
	p.define(channel, "kv", "1.0", "code")
	p.connect().register(t, "kv:1.0")
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := p.invoke(t.Context(), "kv", "echo")
			require.ErrorContains(t, err, "timeout expired while executing transaction")
		})
	}
	wg.Wait()
}

func TestMessagesThatEndTheStream(t *testing.T) {
	for name, m := range map[string]*peerpb.ChaincodeMessage{
		"REGISTER":    registration("kv:1.0"),
		"TRANSACTION": {Type: peerpb.ChaincodeMessage_TRANSACTION},
		"unknown":     {Type: 99, Txid: "x"},
		"nil":         nil,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t)
			p.define(channel, "kv", "1.0", "code")
			l := p.connect().register(t, "kv:1.0")
			_, outcome := p.background(t.Context(), "kv")
			receive(t, l)
			require.NoError(t, l.Send(m))
			require.ErrorContains(t, <-outcome, "chaincode stream terminated: ")
			require.Error(t, <-l.served)
			p.connect().register(t, "kv:1.0") // the name is free again
		})
	}
}

func TestKeepalive(t *testing.T) {
	p := newPeer(t, func(o *chaincode.Options) { o.Keepalive = 5 * time.Millisecond })
	l := p.connect().register(t, "kv:1.0")
	for range 3 {
		m := receive(t, l)
		require.Equal(t, wire.MustMarshal(&peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_KEEPALIVE}), wire.MustMarshal(m))
		require.NoError(t, l.Send(m))
	}
}

// requireSilence asserts that the peer neither answers nor ends the stream.
func requireSilence(t *testing.T, l *line) {
	t.Helper()
	select {
	case m := <-l.down:
		t.Fatalf("the peer says %s", m)
	case err := <-l.served:
		t.Fatalf("the stream ended: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
}

func TestASecondStreamOfTheSameNameIsRefused(t *testing.T) {
	p := newPeer(t)
	p.define(channel, "kv", "1.0", "code")
	first := p.run("kv:1.0")
	second := p.connect()
	require.NoError(t, second.Send(registration("kv:1.0")))
	requireSilence(t, second)
	second.hangUp()
	<-second.served
	_, err := p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err, "the first is as it was")

	third := p.connect()
	require.NoError(t, third.Send(registration("kv:1.0")))
	requireSilence(t, third)
	first.hangUp()
	<-first.served
	third.register(t, "kv:1.0") // it may try again
}

func TestUnsolicitedRegistrationIsRefusedOutsideDevelopmentMode(t *testing.T) {
	p, _ := newLaunchingPeer(t, "serve", false)
	l := p.connect()
	require.NoError(t, l.Send(registration("kv:1.0")))
	requireSilence(t, l)
}

func TestAStreamMustRegisterInTime(t *testing.T) {
	p := newPeer(t, func(o *chaincode.Options) { o.StartupTimeout = 50 * time.Millisecond })
	l := p.connect()
	require.EqualError(t, <-l.served, "no chaincode registered on this stream within 50ms")
	ready := p.connect().register(t, "kv:1.0")
	select {
	case err := <-ready.served:
		t.Fatal(err)
	case <-time.After(100 * time.Millisecond):
	}
}

func TestChecksBeforeALaunch(t *testing.T) {
	p := newPeer(t)
	pkg := p.define(channel, "kv", "1.0", "code")
	fail := func(c *chaincode.Call) string {
		t.Helper()
		_, _, err := p.Invoke(t.Context(), c)
		require.Error(t, err)
		text := strings.TrimPrefix(err.Error(), "failed to execute transaction "+c.TxID+": [channel "+c.ChannelID+"] ")
		return strings.ReplaceAll(text, p.dir, "<dir>")
	}
	begun := func(name string) *chaincode.Call {
		c := p.call(name)
		p.begin(c, channel)
		return c
	}
	const chain = "failed to get chaincode container info for "
	require.Equal(t, "could not launch chaincode kv:1.0: error starting container: error starting container: chaincode kv:1.0 is not connected; "+
		"this peer runs in development mode and starts none: start it by hand with CORE_CHAINCODE_ID_NAME=kv:1.0 and -peer.address=127.0.0.1:7052", fail(begun("kv")))
	require.Equal(t, chain+"nosuch:1.0: chaincode nosuch not found", fail(begun("nosuch")))
	require.Equal(t, chain+"kv:1.0: could not get container info for chaincode kv without a ledger context\n", fail(p.call("kv")))

	d := pkg.Data()
	d.Data = wire.MustMarshal(&peerpb.CDSData{Hash: []byte("other"), Metadatahash: pkg.MetaDataHash})
	p.put(channel, "lscc", "kv", wire.MustMarshal(d))
	require.Equal(t, chain+fmt.Sprintf("kv:1.0: could not get chaincode code: chaincode fingerprint mismatch: data mismatch: "+
		"code hash: channel %x, installed %x; the channel's values are those of the package it was instantiated from (state lscc/kv), "+
		"the installed ones are those of <dir>/chaincodes/kv.1.0 (source path example.com/kv); install the very same package file on every peer "+
		"(the code hash also covers the path given when packaging); "+"`peer chaincode explain -n kv -C CHANNEL --against PEER` compares file by file with a peer that has the right one", "other", pkg.CodeHash), fail(begun("kv")))

	d.Version = "2.0"
	p.put(channel, "lscc", "kv", wire.MustMarshal(d))
	require.Equal(t, chain+"kv:1.0: could not get chaincode code: invalid deployment spec: open <dir>/chaincodes/kv.2.0: no such file or directory", fail(begun("kv")))
	d.Name = "kx"
	p.put(channel, "lscc", "kv", wire.MustMarshal(d))
	require.Equal(t, chain+"kv:1.0: could not get chaincode code: chaincode name mismatch: kv!=kx", fail(begun("kv")))
	p.put(channel, "lscc", "kv", []byte{0xff})
	require.Equal(t, chain+"kv:1.0: could not get chaincode code: error while marshalling: kv", fail(begun("kv")))
}

func TestSystemChaincodeIsADirectCall(t *testing.T) {
	p := newPeer(t, func(o *chaincode.Options) { o.System = []chaincode.System{echoSystem{"qscc"}} })
	require.True(t, p.IsSystem("qscc"))
	require.False(t, p.IsSystem("kv"))
	c := p.call("qscc", "a", "b")
	r, event, err := p.Invoke(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, `qscc on "": [a b]`, string(r.Payload))
	require.Equal(t, "qscc", event.ChaincodeId)
	require.Equal(t, c.TxID, event.TxId)
}

func TestDefinition(t *testing.T) {
	p := newPeer(t)
	pkg := p.define(channel, "kv", "1.0", "code")
	c := p.call("kv")
	p.begin(c, channel)
	d, err := chaincode.Definition(c.Simulator, "kv")
	require.NoError(t, err)
	require.True(t, proto.Equal(pkg.Data(), d))
	_, err = chaincode.Definition(nil, "kv")
	require.EqualError(t, err, "could not get definition for chaincode kv without a ledger context\n")
}

func TestServeAfterClose(t *testing.T) {
	p := newPeer(t)
	require.NoError(t, p.Support.Close())
	l := p.connect()
	require.Error(t, <-l.served)
	_, err := l.Recv()
	require.ErrorIs(t, err, io.EOF)
}

// FuzzMessages has a chaincode say anything in the middle of a transaction. The transaction may fail and the stream may end; nothing else.
func FuzzMessages(f *testing.F) {
	messages, _ := captured(f)
	for _, m := range messages {
		if !m.fromPeer && len(m.Payload) < 200 {
			f.Add(int32(m.Type), m.Payload, true)
		}
	}
	f.Add(int32(peerpb.ChaincodeMessage_GET_STATE), []byte{0xff}, false)
	p := newPeer(f, func(o *chaincode.Options) {
		o.System = []chaincode.System{echoSystem{"qscc"}}
		o.ExecuteTimeout = 5 * time.Second
	})
	p.define(channel, "kv", "1.0", "code")
	f.Fuzz(func(t *testing.T, typ int32, payload []byte, known bool) {
		p := &peer{Support: p.Support, t: t, ledgers: p.ledgers}
		l := p.connect().register(t, "kv:1.0")
		c, outcome := p.background(context.Background(), "kv")
		defer c.Simulator.Close()
		require.Equal(t, c.TxID, receive(t, l).Txid)
		m := &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_Type(typ), Txid: c.TxID, ChannelId: c.ChannelID, Payload: payload}
		if !known {
			m.Txid = "unknown"
		}
		require.NoError(t, l.Send(m))
		select { // whatever answer there is
		case <-l.down:
		case <-time.After(2 * time.Millisecond):
		case <-l.ctx.Done():
		}
		_ = l.Send(message(peerpb.ChaincodeMessage_COMPLETED, c, &peerpb.Response{Status: 200}))
		<-outcome
		l.hangUp()
		<-l.served
	})
}
