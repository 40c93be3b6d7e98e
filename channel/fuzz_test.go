package channel

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// FuzzBlock: whatever an orderer sends, or an administrator wants to join, is refused or well understood.
func FuzzBlock(f *testing.F) {
	bundle, err := channelconfig.FromBlock(ordered(f, 0))
	require.NoError(f, err)
	f.Add([]byte{})
	for _, name := range []string{"chain/0.block", "chain/1.block", "chain/72.block", "chain/77.block", "config/genesis.block"} {
		f.Add(vectors.Read(f, "fabric-1.4", name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := &commonpb.Block{}
		if proto.Unmarshal(raw, b) != nil {
			return
		}
		_ = verify(b, bundle)
		if genesis, err := checkGenesis(b); err == nil {
			require.NotEmpty(t, genesis.ChannelID())
			_, _ = judgeGenesis(b)
		}
		if block.Check(b) == nil {
			isConfig(b)
		}
	})
}
