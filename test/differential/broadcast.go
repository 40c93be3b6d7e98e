package differential

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/orderer/solo"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// sampleChannel is the channel of the vectors that the vectors' consortium may create.
const sampleChannel = "mychannel"

// Answer is what an orderer said to an envelope.
type Answer struct {
	Kind     string
	Envelope []byte
	Status   commonpb.Status
	Info     string
}

// envelopes are generated transactions for the sample channel, those that no real peer could bear among them.
func envelopes(t testing.TB, seed uint64, txs int) []made {
	g := newGenerator(t, seed, sampleChannel)
	g.generate(txs)
	var all []made
	for n, b := range g.blocks[1:] {
		for i, raw := range b.Data.Data {
			all = append(all, made{kind: g.kinds[n+1][i], raw: raw})
		}
	}
	return append(all, g.unfit...)
}

// ask sends envelopes to an orderer, one after the other. Those that gRPC could not even carry are left out.
func ask(t testing.TB, o *client.Orderer, all []made) []Answer {
	var answers []Answer
	for _, m := range all {
		env := &commonpb.Envelope{}
		if proto.Unmarshal(m.raw, env) != nil {
			continue
		}
		a := Answer{Kind: m.kind, Envelope: m.raw, Status: commonpb.Status_SUCCESS}
		if err := broadcast(t.Context(), o, env); err != nil {
			var refused *client.BroadcastError
			require.ErrorAs(t, err, &refused)
			require.NoError(t, refused.Err, m.kind)
			a.Status, a.Info = refused.Status, refused.Info
		}
		answers = append(answers, a)
	}
	return answers
}

// broadcast is one envelope's turn; an orderer whose channel is not there yet has a moment to start it.
func broadcast(ctx context.Context, o *client.Orderer, env *commonpb.Envelope) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := o.Broadcast(ctx, env)
		var refused *client.BroadcastError
		if !errors.As(err, &refused) || refused.Status != commonpb.Status_SERVICE_UNAVAILABLE || ctx.Err() != nil {
			return err
		}
	}
}

// createSampleChannel has an orderer of the vectors' genesis block make the sample channel, and waits until it is there.
func createSampleChannel(t testing.TB, address string) *client.Orderer {
	who := newPeople(t)
	var o *client.Orderer
	require.Eventually(t, func() bool {
		var err error
		o, err = client.ConnectOrderer(t.Context(), address, comm.ClientOptions{})
		return err == nil
	}, time.Minute, 100*time.Millisecond)
	t.Cleanup(func() { _ = o.Close() })
	env, payload := &commonpb.Envelope{}, &commonpb.Payload{}
	require.NoError(t, proto.Unmarshal(vectors.Read(t, "fabric-1.4", "config", "mychannel.tx"), env))
	require.NoError(t, proto.Unmarshal(env.Payload, payload))
	update := &commonpb.ConfigUpdateEnvelope{}
	require.NoError(t, proto.Unmarshal(payload.Data, update))
	update.Signatures = []*commonpb.ConfigSignature{configSignature(t, who.admin1, []byte("creation"), update.ConfigUpdate)}
	create, err := tx.NewEnvelope(who.admin1, &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: sampleChannel}, update)
	require.NoError(t, err)
	admin := client.New(who.admin1)
	require.NoError(t, broadcast(t.Context(), o, create))
	require.Eventually(t, func() bool {
		_, err := admin.Block(t.Context(), o, sampleChannel, client.Oldest())
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	return o
}

func configSignature(t testing.TB, by *person, nonce, update []byte) *commonpb.ConfigSignature {
	header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: by.creator, Nonce: nonce})
	signature, err := by.Sign(append(append([]byte{}, header...), update...))
	require.NoError(t, err)
	return &commonpb.ConfigSignature{SignatureHeader: header, Signature: signature}
}

// startHeddle runs Heddle's orderer on the vectors' genesis block, and makes the sample channel.
func startHeddle(t testing.TB) *client.Orderer {
	log := slog.New(slog.DiscardHandler)
	signer := newPeople(t).orderer
	registry, err := orderer.Open(context.WithoutCancel(t.Context()), orderer.Options{
		Dir: t.TempDir(), Genesis: vectors.Message(t, &commonpb.Block{}, "fabric-1.4", "config", "genesis.block"),
		Signer:     func() tx.Signer { return signer },
		Consenters: map[string]orderer.NewConsenter{"solo": solo.New(orderer.Eager)},
		FailPoint:  func(string) {}, Now: time.Now, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, registry.Close()) })
	server := comm.NewServer(comm.ServerOptions{Log: log})
	ordererpb.RegisterAtomicBroadcastServer(server, orderer.NewServer(registry, &deliver.Server{Now: time.Now, Log: log}, log))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	return createSampleChannel(t, l.Addr().String())
}

// libraryText is what a protobuf library says, up to the text's end. Before it, Heddle names the message that did not decode, where Fabric
// does not.
var libraryText = regexp.MustCompile(`(error unmarshaling ConfigUpdate: )?(proto:[ \x{a0}]|unexpected EOF|string field contains).*`)

// outline is an answer without the words that are not an orderer's own.
func (a *Answer) outline() string {
	return a.Status.String() + " " + libraryText.ReplaceAllString(a.Info, "…")
}
