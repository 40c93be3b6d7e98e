package chain

import (
	"fmt"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// How Fill writes: 1,000 keys a transaction (fewer, if each chaincode would not get its share), ten transactions a block.
const (
	mostWrites   = 1000
	fillPerBlock = 10
)

// signedAtOnce is how many transactions of Update are made together.
const signedAtOnce = 512

// writes is how many keys a transaction of Fill writes.
func (c *Chain) writes() int { return min(mostWrites, c.Keys/len(c.Packages)) }

// Key is a key of the state, counted from 0 to Keys-1, and the index of its chaincode in Packages. Keys that follow each other are far apart in the state.
func (c *Chain) Key(i int) (chaincode int, key string) {
	return i / c.writes() % len(c.Packages), fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15) // an odd factor: no two are equal
}

// Value is a value for a key.
func (c *Chain) Value(i int) []byte {
	at := i * 127 % (len(c.values) - c.ValueSize)
	return c.values[at : at+c.ValueSize]
}

// FillCount is how many transactions Fill makes.
func (c *Chain) FillCount() int { return (c.Keys + c.writes() - 1) / c.writes() }

// Fill writes every key once.
func (c *Chain) Fill(each func(*commonpb.Block) error) error {
	c.filled = c.number
	writes := c.writes()
	return c.cut(c.FillCount(), fillPerBlock, fillPerBlock, func(at *kvrwsetpb.Version) *draft {
		first := (int(at.BlockNum-c.filled)*fillPerBlock + int(at.TxNum)) * writes
		chaincode, _ := c.Key(first)
		return c.draft(chaincode, client.Args("fill"), func(b *rwset.Builder, namespace string) {
			for i := first; i < min(first+writes, c.Keys); i++ {
				_, key := c.Key(i)
				b.Write(namespace, key, c.Value(i))
			}
		})
	}, each)
}

// Update is count transactions, perBlock in a block, that each read a key of the state, any but those that others in the block read, and write it.
func (c *Chain) Update(count, perBlock int, each func(*commonpb.Block) error) error {
	if perBlock > c.Keys/2 {
		return fmt.Errorf("%d keys are too few for blocks of %d transactions that each write one of their own", c.Keys, perBlock)
	}
	return c.cut(count, perBlock, signedAtOnce, func(at *kvrwsetpb.Version) *draft {
		i := c.rand.IntN(c.Keys)
		for c.version(i).BlockNum == at.BlockNum {
			i = c.rand.IntN(c.Keys)
		}
		read := c.version(i)
		c.updated[i] = at
		chaincode, key := c.Key(i)
		value := c.Value(i + int(at.BlockNum))
		return c.draft(chaincode, [][]byte{[]byte("rw"), []byte(key), []byte(key), value}, func(b *rwset.Builder, namespace string) {
			b.Read(namespace, key, read)
			b.Write(namespace, key, value)
		})
	}, each)
}

// version is that of a key as the blocks made so far leave it.
func (c *Chain) version(i int) *kvrwsetpb.Version {
	if v := c.updated[i]; v != nil {
		return v
	}
	n := i / c.writes()
	return &kvrwsetpb.Version{BlockNum: c.filled + uint64(n/fillPerBlock), TxNum: uint64(n % fillPerBlock)}
}

// draft is a call of a chaincode by some client.
func (c *Chain) draft(chaincode int, args [][]byte, simulate func(b *rwset.Builder, namespace string)) *draft {
	p := c.Packages[chaincode]
	return &draft{
		creator: c.Clients[c.rand.IntN(len(c.Clients))], chaincode: p.Name, version: p.Version, args: args,
		set: func() *rwset.Set {
			var b rwset.Builder
			b.Read(lscc, p.Name, c.deployed[chaincode])
			simulate(&b, p.Name)
			return b.Set()
		},
	}
}
