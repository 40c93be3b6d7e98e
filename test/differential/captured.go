package differential

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"os"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// Captured is a chain as a real 1.4.12 peer committed it. Files of it are gob, in zstd.
type Captured struct {
	Seed      uint64
	ID        string
	Blocks    [][]byte   // encoded, with the peer's codes and commit hashes
	Kinds     [][]string // of every transaction of every block
	StateHash string     // see Outcome; empty if the state was not read
}

// captureWindow lets certificates be found again however far back they stand.
const captureWindow = 1 << 26

// save writes a capture to a file.
func save(path string, capture any) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(captureWindow))
	if err != nil {
		return err
	}
	if err := gob.NewEncoder(z).Encode(capture); err != nil {
		return err
	}
	return z.Close()
}

// load reads a capture from a file.
func load[T any](path string) (*T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := zstd.NewReader(bufio.NewReader(f), zstd.WithDecoderMaxWindow(captureWindow))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	capture := new(T)
	if err := gob.NewDecoder(z).Decode(capture); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return capture, nil
}

// Chain is the captured chain as the orderer served it: what the peer added is taken off.
func (c *Captured) Chain() (*Chain, error) {
	chain := &Chain{Seed: c.Seed, ID: c.ID, Kinds: c.Kinds}
	for n, raw := range c.Blocks {
		b := &commonpb.Block{}
		if err := proto.Unmarshal(raw, b); err != nil {
			return nil, fmt.Errorf("block %d: %w", n, err)
		}
		b.Metadata.Metadata[commonpb.BlockMetadataIndex_TRANSACTIONS_FILTER] = nil
		b.Metadata.Metadata[commonpb.BlockMetadataIndex_COMMIT_HASH] = nil
		chain.Blocks = append(chain.Blocks, b)
	}
	return chain, nil
}
