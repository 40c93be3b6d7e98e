package validation

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func configVerdict(t *testing.T, b *commonpb.Block, bundle *channelconfig.Bundle) (*Verdict, error) {
	v := New(channelID, Options{})
	p, err := v.Prepare(t.Context(), b, bundle)
	require.NoError(t, err)
	require.True(t, p.ChangesConfig())
	return v.Decide(t.Context(), p, &memory{})
}

func TestConfigurationTransaction(t *testing.T) {
	before, err := channelconfig.FromBlock(vectors.Block(t, "fabric-1.4", 2))
	require.NoError(t, err)
	b := vectors.Block(t, "fabric-1.4", 3)

	verdict, err := configVerdict(t, b, before)
	require.NoError(t, err)
	require.Empty(t, verdict.Refusals)
	require.Equal(t, before.Sequence()+1, verdict.Next.Sequence())
	write := verdict.Block.Txs[0].RWSet.Namespaces[0].KV.Writes[0]
	require.Equal(t, ledger.ConfigKey, write.Key)
	written := &commonpb.Config{}
	require.NoError(t, proto.Unmarshal(write.Value, written))
	require.True(t, proto.Equal(verdict.Next.Config(), written))

	_, err = configVerdict(t, b, verdict.Next)
	require.ErrorContains(t, err, "error validating config which passed initial validity checks")
	require.ErrorContains(t, err, "block [3], transaction 0")
}

// TestConfigurationThatDoesNotDecode: an orderer that orders this is not one to follow.
func TestConfigurationThatDoesNotDecode(t *testing.T) {
	n := newNetwork(t)
	e := n.put("k")
	e.channelHeader = func(h *commonpb.ChannelHeader) { h.Type = int32(commonpb.HeaderType_CONFIG) }
	e.body = func(p *commonpb.Payload) { p.Data = []byte{0xff} }
	_, err := configVerdict(t, block.New(7, nil, [][]byte{n.build(e)}), n.bundle)
	require.ErrorContains(t, err, "error unmarshalling config which passed initial validity checks")
}

// TestUnsignedConfiguration: the creator of a configuration transaction is checked like any other, before its content can stop the peer.
func TestUnsignedConfiguration(t *testing.T) {
	n := newNetwork(t)
	b := vectors.Block(t, "fabric-1.4", 3)
	e, err := tx.ParseEnvelope(b.Data.Data[0])
	require.NoError(t, err)
	env := e.Envelope()
	env.Signature = nil
	raw, err := proto.Marshal(env)
	require.NoError(t, err)
	codes, _ := n.judge(n.newMemory(), raw)
	require.Equal(t, []string{"BAD_CREATOR_SIGNATURE"}, codes)
}
