package chain

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Options describe a channel.
type Options struct {
	ChannelID    string
	Packages     []*pack.Package // the chaincodes that run on it, at least one
	Endorsements int             // of each transaction, 1 or 2; so many organisations must endorse
	Clients      []tx.Signer     // who send the transactions, one as often as another
	Keys         int             // in the state, spread over the chaincodes: at least one for each
	ValueSize    int             // bytes of each value
}

// Chain is one channel. Its methods are for one goroutine; those that make blocks continue the chain where the one before left it: Deploy, Fill,
// then Update any number of times.
type Chain struct {
	Options
	people   *People
	genesis  *commonpb.Block
	number   uint64 // of the next block
	previous []byte // header hash of the block before it
	rand     *rand.Rand
	values   []byte // random bytes that values are taken from: they are not to be compressed

	deployed []*kvrwsetpb.Version       // of the packages' definitions
	filled   uint64                     // number of the first block of Fill
	updated  map[int]*kvrwsetpb.Version // of the keys that Update has written
}

// New begins a channel of people.
func New(people *People, o Options) (*Chain, error) {
	switch {
	case o.Endorsements < 1 || o.Endorsements > len(people.peers):
		return nil, fmt.Errorf("a transaction has from 1 to %d endorsements, not %d", len(people.peers), o.Endorsements)
	case len(o.Packages) == 0 || len(o.Clients) == 0:
		return nil, errors.New("a chain needs chaincodes and clients")
	case o.Keys < len(o.Packages):
		return nil, fmt.Errorf("%d keys are too few for %d chaincodes to have one each", o.Keys, len(o.Packages))
	}
	genesis, err := people.genesis(o.ChannelID)
	if err != nil {
		return nil, err
	}
	c := &Chain{
		Options: o, people: people, genesis: genesis, number: 1, previous: block.HeaderHash(genesis.Header),
		rand: rand.New(rand.NewPCG(1, 2)), values: make([]byte, 1<<20+o.ValueSize), updated: map[int]*kvrwsetpb.Version{},
	}
	_, err = crand.Read(c.values)
	return c, err
}

// Genesis is the channel's first block.
func (c *Chain) Genesis() *commonpb.Block { return c.genesis }

// Number is that of the next block.
func (c *Chain) Number() uint64 { return c.number }

// cut makes count transactions, of which next says what is in the one at a place of the chain, and orders them in blocks of perBlock, which go to
// each. About as many as together are made at a time, but always whole blocks.
func (c *Chain) cut(count, perBlock, together int, next func(at *kvrwsetpb.Version) *draft, each func(*commonpb.Block) error) error {
	together = max(perBlock, together/perBlock*perBlock)
	for count > 0 {
		drafts := make([]*draft, min(together, count))
		for i := range drafts {
			drafts[i] = next(&kvrwsetpb.Version{BlockNum: c.number + uint64(i/perBlock), TxNum: uint64(i % perBlock)})
		}
		envelopes, err := c.signAll(drafts)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(envelopes, perBlock) {
			b, err := c.order(some)
			if err != nil {
				return err
			}
			if err := each(b); err != nil {
				return err
			}
		}
		count -= len(drafts)
	}
	return nil
}

// signAll makes transactions of drafts, on all processors.
func (c *Chain) signAll(drafts []*draft) ([][]byte, error) {
	envelopes := make([][]byte, len(drafts))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range drafts {
		g.Go(func() (err error) {
			envelopes[i], err = c.transaction(d)
			return err
		})
	}
	return envelopes, g.Wait()
}

// order makes the next block of envelopes, and signs it.
func (c *Chain) order(envelopes [][]byte) (*commonpb.Block, error) {
	b := block.New(c.number, c.previous, envelopes)
	if err := orderer.Sign(c.people.orderer, b, 0, nil); err != nil {
		return nil, err
	}
	c.number, c.previous = c.number+1, block.HeaderHash(b.Header)
	return b, nil
}
