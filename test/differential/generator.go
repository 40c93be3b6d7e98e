package differential

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Generator makes the blocks of one channel.
type Generator struct {
	t          testing.TB
	rand       *rand.Rand
	people     *people
	channelID  string
	channel    *channel.Channel // our own peer's
	blocks     []*commonpb.Block
	kinds      [][]string // of every transaction of every block
	lastConfig uint64
	level      int // of applicationLevels
	serial     int // makes names that nobody else uses
	views      []*view
	chaincodes []*chaincode
	past       []made   // transactions of earlier blocks
	leftOut    [][]byte // nonces of transactions that left out their txid
	unfit      []made   // that stand in no block
	revoked    bool
}

// maxTxs is how many transactions a block has at most.
const maxTxs = 60

// Generate makes a chain of at least the given number of transactions. Its first level of application capabilities depends on the seed; the
// levels above come into force one after the other.
func Generate(t testing.TB, seed uint64, txs int) *Chain {
	g := newGenerator(t, seed, fmt.Sprintf("seed%d", seed))
	g.generate(txs)
	return &Chain{Seed: seed, ID: g.channelID, Blocks: g.blocks, Kinds: g.kinds}
}

func newGenerator(t testing.TB, seed uint64, channelID string) *Generator {
	return &Generator{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), people: newPeople(t), channelID: channelID, level: int(seed % uint64(len(applicationLevels))),
	}
}

// generate makes the chain.
func (g *Generator) generate(txs int) {
	g.blocks, g.kinds = []*commonpb.Block{g.genesis()}, [][]string{{"genesis"}}
	registry, err := channel.Open(g.t.Context(), channel.Options{Dir: g.t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(g.t, err)
	defer func() { require.NoError(g.t, registry.Close()) }()
	require.NoError(g.t, registry.Join(g.t.Context(), proto.CloneOf(g.blocks[0])))
	g.channel, _ = registry.Get(g.channelID)
	g.observe()
	g.begin()
	stages := len(applicationLevels) - g.level
	total := 0
	for stage := range stages {
		for until := txs * (stage + 1) / stages; total < until; {
			total += g.block()
			if !g.revoked && total > txs/2 {
				g.revoked = true
				g.reconfigure("a certificate revoked", func(c *commonpb.Config) { g.revoke(c, g.people.revoked1[1]) })
			}
		}
		if stage < stages-1 {
			g.raise()
		}
	}
}

// block makes and orders a block, and tells how many transactions it has.
func (g *Generator) block() int {
	n := 1 + g.rand.IntN(maxTxs)
	txs := []made{g.finish(g.fresh("first of its block"))}
	for len(txs) < n {
		if g.chance(4) {
			txs = append(txs, g.again(txs))
			continue
		}
		if d := g.pick().draft(g); d != nil {
			if m := g.finish(d); fatal(m) {
				g.unfit = append(g.unfit, m)
			} else {
				txs = append(txs, m)
			}
		}
	}
	rest := txs[1:]
	g.rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	if g.level >= keyLevel {
		slices.SortStableFunc(rest, func(a, b made) int { return hazard(a) - hazard(b) })
	}
	g.order(txs)
	for _, m := range txs {
		if !m.setsPolicies && len(g.past) < 400 {
			g.past = append(g.past, m)
		}
	}
	return len(txs)
}

// hazard is 1 for transactions that the real peer must not meet before others.
func hazard(m made) int {
	if chaincodeAction(m.raw) == nil {
		return 1
	}
	return 0
}

// fatal tells whether no block may have this transaction in it: the real peer would panic, since it has a payload without headers or its only
// action endorses nothing; or peers of different organizations would disagree, since it names no channel and 1.4 then asks the peer's own MSP.
func fatal(m made) bool {
	env, body, t, cap := &commonpb.Envelope{}, &commonpb.Payload{}, &peerpb.Transaction{}, &peerpb.ChaincodeActionPayload{}
	if wire.UnmarshalAs14(m.raw, env) != nil || wire.UnmarshalAs14(env.Payload, body) != nil {
		return false
	}
	header := &commonpb.ChannelHeader{}
	if body.Header == nil || wire.UnmarshalAs14(body.Header.ChannelHeader, header) == nil && header.ChannelId == "" {
		return true
	}
	return wire.UnmarshalAs14(body.Data, t) == nil && len(t.Actions) == 1 && wire.UnmarshalAs14(t.Actions[0].Payload, cap) == nil && cap.Action == nil
}

// again repeats a transaction of this block or of an earlier one.
func (g *Generator) again(txs []made) made {
	m := txs[g.rand.IntN(len(txs))]
	m.kind = "again, in one block: " + m.kind
	if len(g.past) == 0 || g.chance(40) {
		return m
	}
	if old := oneOf(g, g.past...); old.below == 0 || g.level < old.below {
		m = old
		m.kind = "again: " + m.kind
	}
	return m
}

// pick chooses a kind by its weight.
func (g *Generator) pick() *kind {
	total := 0
	for i := range kinds {
		total += kinds[i].weight
	}
	at := g.rand.IntN(total)
	for i := range kinds {
		if at -= kinds[i].weight; at < 0 {
			return &kinds[i]
		}
	}
	panic("unreachable: the weights have been summed up")
}

// chance is true in so many of a hundred cases.
func (g *Generator) chance(percent int) bool { return g.rand.IntN(100) < percent }

// unique is a name that no other transaction uses.
func (g *Generator) unique(prefix string) string {
	g.serial++
	return fmt.Sprintf("%s%d", prefix, g.serial)
}

func oneOf[T any](g *Generator, of ...T) T { return of[g.rand.IntN(len(of))] }
