// Package vectors gives tests the bytes that real Fabric wrote (see testdata/README.md). It is imported by tests only.
package vectors

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// Path is the absolute path of a file below the repository's testdata folder. Tests run in their package's folder, so the repository is above
// it; the path of this source file tells nothing in a test that was built with -trimpath.
func Path(parts ...string) string {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return filepath.Join(append([]string{dir, "testdata"}, parts...)...)
}

// Read returns the bytes of a file below testdata.
func Read(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(Path(parts...))
	require.NoError(t, err)
	return b
}

// Message decodes a file below testdata into m and returns m.
func Message[M proto.Message](t testing.TB, m M, parts ...string) M {
	t.Helper()
	require.NoError(t, proto.Unmarshal(Read(t, parts...), m))
	return m
}

// JSON decodes a JSON file below testdata.
func JSON[T any](t testing.TB, parts ...string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(Read(t, parts...), &v))
	return v
}

// BlockFacts is what a real peer made of one block of a chain.
type BlockFacts struct {
	Block        uint64    `json:"block"`
	What         string    `json:"what"`
	HeaderHash   string    `json:"header_hash"`
	PreviousHash string    `json:"previous_hash"`
	DataHash     string    `json:"data_hash"`
	CommitHash   string    `json:"commit_hash"` // empty for block 0
	Txs          []TxFacts `json:"txs"`
}

// TxFacts is what a real peer made of one transaction.
type TxFacts struct {
	Index  int    `json:"index"`
	TxID   string `json:"txid"`
	Type   any    `json:"type"` // a name, or a number where Fabric has none
	Code   string `json:"code"`
	Number int32  `json:"code_number"`
	What   string `json:"what"`
}

// Facts are the facts of every block of the network's chain; network is "fabric-1.4" or "fabric-3.1".
func Facts(t testing.TB, network string) []BlockFacts {
	t.Helper()
	return JSON[[]BlockFacts](t, network, "chain", "codes.json")
}

// Block is a block as the network's peers committed it.
func Block(t testing.TB, network string, number uint64) *commonpb.Block {
	t.Helper()
	return Message(t, &commonpb.Block{}, network, "chain", fmt.Sprintf("%d.block", number))
}

// OrderedBlock is the same block as the orderer served it: what peers added is taken off.
func OrderedBlock(t testing.TB, network string, number uint64) *commonpb.Block {
	t.Helper()
	b := Block(t, network, number)
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_TRANSACTIONS_FILTER] = nil
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_COMMIT_HASH] = nil
	return b
}
