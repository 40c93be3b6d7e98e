package differential

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Chain is the blocks of one channel as an orderer serves them.
type Chain struct {
	Seed   uint64
	ID     string
	Blocks []*commonpb.Block
	Kinds  [][]string // of every transaction of every block
}

// Outcome is what a peer made of a chain.
type Outcome struct {
	Blocks       [][]byte                    // encoded, as committed
	Codes        [][]peerpb.TxValidationCode // per block
	CommitHashes [][]byte                    // per block; none for the first
	State        []string                    // every entry of the world state as text, sorted; nil if it was not read
}

// Commit lets Heddle's peer commit the chain, and tells what it made of it.
func (c *Chain) Commit(t testing.TB) *Outcome {
	registry, err := channel.Open(t.Context(), channel.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, registry.Close()) }()
	return c.commit(t, registry)
}

// commit goes on with the chain on a peer that may have some of it.
func (c *Chain) commit(t testing.TB, registry *channel.Registry) *Outcome {
	ch, joined := registry.Get(c.ID)
	if !joined {
		require.NoError(t, registry.Join(t.Context(), proto.CloneOf(c.Blocks[0])))
		ch, _ = registry.Get(c.ID)
	}
	for _, b := range c.Blocks[ch.Height():] {
		require.NoError(t, ch.Submit(t.Context(), proto.CloneOf(b)))
	}
	require.NoError(t, ch.Wait(t.Context(), uint64(len(c.Blocks)-1)))
	o := &Outcome{State: worldState(t, ch)}
	for n := range c.Blocks {
		raw, err := ch.RawBlock(uint64(n))
		require.NoError(t, err)
		require.NoError(t, o.add(raw))
	}
	return o
}

func (o *Outcome) add(raw []byte) error {
	b := &commonpb.Block{}
	if err := proto.Unmarshal(raw, b); err != nil {
		return err
	}
	o.Blocks = append(o.Blocks, raw)
	o.Codes = append(o.Codes, block.Codes(b))
	o.CommitHashes = append(o.CommitHashes, block.CommitHash(b))
	return nil
}

// StateHash is a hash over the whole world state.
func (o *Outcome) StateHash() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(o.State, "\n"))))
}

// worldState lists every entry of the state: namespace, collection, key, version, value and metadata.
func worldState(t testing.TB, c *channel.Channel) []string {
	s, err := c.Ledger().NewSnapshot()
	require.NoError(t, err)
	defer s.Close()
	var rows []string
	encode := base64.StdEncoding.EncodeToString
	require.NoError(t, s.Each(func(k statedb.Key, v statedb.Value) error {
		value := v.Value
		if k.Namespace == "" { // Fabric's encoding of a configuration has no fixed order
			config := &commonpb.Config{}
			require.NoError(t, proto.Unmarshal(value, config))
			value = wire.MustMarshal(config)
		}
		rows = append(rows, fmt.Sprintf("%s/%s/%s %d.%d %s %s", k.Namespace, k.Collection, encode([]byte(k.Key)), v.Version.Block, v.Version.Tx, encode(value), encode(v.Metadata)))
		return nil
	}))
	slices.Sort(rows)
	return rows
}
