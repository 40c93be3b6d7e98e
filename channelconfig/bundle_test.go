package channelconfig

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestRules runs testdata/rules.txt: each case changes the configuration of the sample channel, a line per change, and prints what New, the
// capabilities and ValidateNew (from the unchanged configuration) say. The lines are in edit's words.
func TestRules(t *testing.T) {
	base, _ := loadBlock(t, "config/mychannel.block")
	system, _ := loadBlock(t, "config/genesis.block")
	datadriven.RunTest(t, "testdata/rules.txt", func(t *testing.T, d *datadriven.TestData) string {
		from := base
		if d.Cmd == "system" {
			from = system
		}
		config := proto.Clone(from.Config()).(*commonpb.Config)
		for _, line := range strings.Split(d.Input, "\n") {
			if line != "" {
				edit(t, config.ChannelGroup, strings.Fields(line))
			}
		}
		b, err := New(from.ChannelID(), config)
		if err != nil {
			return "refused: " + strings.ReplaceAll(err.Error(), "\u00a0", " ") + "\n" // the protobuf library varies its blanks
		}
		var out []string
		out = append(out, "orderer: "+text(b.OrdererSupports()), "peer: "+text(b.PeerSupports()), "after the sample: "+text(from.ValidateNew(b)))
		if d.HasArg("flags") {
			c := b.Capabilities()
			out = append(out, fmt.Sprintf("channel: MSP %s migration=%v endpoints=%v", c.MSPVersion, c.ConsensusTypeMigration, c.OrgSpecificOrdererEndpoints))
			o, _ := b.Orderer()
			oc := o.Capabilities
			out = append(out, fmt.Sprintf("orderer: template=%v resubmission=%v expiration=%v migration=%v", oc.PredictableChannelTemplate, oc.Resubmission, oc.ExpirationCheck, oc.ConsensusTypeMigration))
			a, _ := b.Application()
			ac := a.Capabilities
			out = append(out, fmt.Sprintf("application: acls=%v duplicates=%v private=%v collections=%v v11=%v v12=%v v13=%v key=%v storeinvalid=%v", ac.ACLs, ac.ForbidDuplicateTXIDInBlock,
				ac.PrivateChannelData, ac.CollectionUpgrade, ac.V1_1Validation, ac.V1_2Validation, ac.V1_3Validation, ac.KeyLevelEndorsement, ac.StorePvtDataOfInvalidTx))
		}
		if d.HasArg("show") {
			a, _ := b.Application()
			out = append(out, fmt.Sprint("acls: ", a.ACLs), fmt.Sprint("addresses: ", b.OrdererAddresses()))
		}
		return strings.Join(out, "\n") + "\n"
	})
}

func text(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

// edit changes a tree: "capabilities PATH NAME…", "delete PATH", "group PATH", "copy FROM TO" and one verb per value.
func edit(t *testing.T, root *commonpb.ConfigGroup, words []string) {
	at := func(path string) (*commonpb.ConfigGroup, string) {
		parts := strings.Split(path, "/")
		g := root
		for _, p := range parts[:len(parts)-1] {
			g = g.Groups[p]
			require.NotNil(t, g, path)
		}
		return g, parts[len(parts)-1]
	}
	set := func(path string, m proto.Message) {
		g, key := at(path)
		put(&g.Values, key, &commonpb.ConfigValue{Value: wire.MustMarshal(m), ModPolicy: "Admins"})
	}
	orderer := root.Groups["Orderer"]
	size := &ordererpb.BatchSize{}
	require.NoError(t, proto.Unmarshal(orderer.Values["BatchSize"].Value, size))
	number := func() uint32 {
		var n uint32
		_, err := fmt.Sscan(words[1], &n)
		require.NoError(t, err)
		return n
	}
	switch words[0] {
	case "capabilities":
		m := &commonpb.Capabilities{Capabilities: map[string]*commonpb.Capability{}}
		for _, name := range words[2:] {
			m.Capabilities[name] = &commonpb.Capability{}
		}
		set(words[1], m)
	case "delete":
		g, key := at(words[1])
		delete(g.Groups, key)
		delete(g.Values, key)
		delete(g.Policies, key)
	case "group":
		g, key := at(words[1])
		put(&g.Groups, key, &commonpb.ConfigGroup{})
	case "copy":
		g, key := at(words[1])
		to, toKey := at(words[2])
		put(&to.Groups, toKey, proto.Clone(g.Groups[key]).(*commonpb.ConfigGroup))
	case "rename":
		g, key := at(words[1])
		conf, fabric := &msppb.MSPConfig{}, &msppb.FabricMSPConfig{}
		require.NoError(t, proto.Unmarshal(g.Groups[key].Values["MSP"].Value, conf))
		require.NoError(t, proto.Unmarshal(conf.Config, fabric))
		fabric.Name = strings.TrimPrefix(words[2], "-")
		set(words[1]+"/MSP", &msppb.MSPConfig{Config: wire.MustMarshal(fabric)})
	case "alter":
		g, key := at(words[1])
		conf, fabric := &msppb.MSPConfig{}, &msppb.FabricMSPConfig{}
		require.NoError(t, proto.Unmarshal(g.Groups[key].Values["MSP"].Value, conf))
		require.NoError(t, proto.Unmarshal(conf.Config, fabric))
		fabric.TlsRootCerts = nil
		set(words[1]+"/MSP", &msppb.MSPConfig{Config: wire.MustMarshal(fabric)})
	case "msptype":
		set(words[1]+"/MSP", &msppb.MSPConfig{Type: 7})
	case "garbage":
		g, key := at(words[1])
		put(&g.Values, key, &commonpb.ConfigValue{Value: []byte{0xff}})
	case "policy":
		g, key := at(words[1])
		p := policyOf(strings.Join(words[2:], " "))
		put(&g.Policies, key, &commonpb.ConfigPolicy{Policy: p})
	case "policytype":
		g, key := at(words[1])
		put(&g.Policies, key, &commonpb.ConfigPolicy{Policy: &commonpb.Policy{Type: 2}})
	case "policygarbage":
		g, key := at(words[1])
		put(&g.Policies, key, &commonpb.ConfigPolicy{Policy: &commonpb.Policy{Type: 1, Value: []byte{0xff}}})
	case "hashing":
		set("HashingAlgorithm", &commonpb.HashingAlgorithm{Name: words[1]})
	case "width":
		set("BlockDataHashingStructure", &commonpb.BlockDataHashingStructure{Width: number()})
	case "addresses":
		set("OrdererAddresses", &commonpb.OrdererAddresses{Addresses: words[1:]})
	case "endpoints":
		set(words[1]+"/Endpoints", &commonpb.OrdererAddresses{Addresses: words[2:]})
	case "messages":
		size.MaxMessageCount = number()
		set("Orderer/BatchSize", size)
	case "absolute":
		size.AbsoluteMaxBytes = number()
		set("Orderer/BatchSize", size)
	case "preferred":
		size.PreferredMaxBytes = number()
		set("Orderer/BatchSize", size)
	case "timeout":
		set("Orderer/BatchTimeout", &ordererpb.BatchTimeout{Timeout: words[1]})
	case "brokers":
		set("Orderer/KafkaBrokers", &ordererpb.KafkaBrokers{Brokers: words[1:]})
	case "consensus":
		set("Orderer/ConsensusType", &ordererpb.ConsensusType{Type: words[1]})
	case "acl":
		m := &peerpb.ACLs{Acls: map[string]*peerpb.APIResource{words[1]: {PolicyRef: strings.Join(words[2:], "")}}}
		set("Application/ACLs", m)
	default:
		t.Fatalf("what is %v?", words)
	}
}

func TestWrongEnvelopesAndBlocks(t *testing.T) {
	_, err := New("c", nil)
	require.EqualError(t, err, "channelconfig Config cannot be nil")
	_, err = New("c", &commonpb.Config{})
	require.EqualError(t, err, "config must contain a channel group")
	base, _ := loadBlock(t, "config/mychannel.block")
	for _, id := range []string{"", "Upper", "under_score", "1st", strings.Repeat("a", 250)} {
		_, err = New(id, base.Config())
		require.ErrorContains(t, err, "initializing configtx manager failed: bad channel ID: channel ID ", id)
	}
	for want, env := range map[string]*commonpb.Envelope{
		"failed to unmarshal payload from envelope":        {Payload: []byte{0xff}},
		"envelope header cannot be nil":                    {},
		"failed to unmarshal config envelope from payload": {Payload: wire.MustMarshal(&commonpb.Payload{Data: []byte{0xff}})},
		"failed to unmarshal channel header":               {Payload: wire.MustMarshal(&commonpb.Payload{Header: &commonpb.Header{ChannelHeader: []byte{0xff}}})},
	} {
		_, err = FromEnvelope(env)
		require.ErrorContains(t, err, want)
	}
	for want, b := range map[string]*commonpb.Block{
		"configuration block has no transactions":                      {},
		"configuration block must only contain one transaction, not 2": {Data: &commonpb.BlockData{Data: [][]byte{nil, nil}}},
		"failed to unmarshal envelope from block":                      {Data: &commonpb.BlockData{Data: [][]byte{{0xff}}}},
	} {
		_, err = FromBlock(b)
		require.ErrorContains(t, err, want)
	}
	_, err = FromBlock(nil)
	require.Error(t, err)
	_, err = FromEnvelope(nil)
	require.Error(t, err)
}

func TestSectionsMustStay(t *testing.T) {
	base, _ := loadBlock(t, "config/mychannel.block")
	system, _ := loadBlock(t, "config/genesis.block")
	require.ErrorContains(t, base.ValidateNew(system), "current config has application section, but new config does not")
	require.ErrorContains(t, system.ValidateNew(base), "current config has consortiums section, but new config does not")
	none := &Bundle{}
	require.NoError(t, none.ValidateNew(base))
	require.ErrorContains(t, none.ValidateNew(system), "current config has no consortiums section, but new config does")
	require.ErrorContains(t, base.ValidateNew(none), "current config has orderer section, but new config does not")
}

func TestNext(t *testing.T) {
	base, _ := loadBlock(t, "config/mychannel.block")
	config := proto.Clone(base.Config()).(*commonpb.Config)
	_, err := base.Next(config)
	require.NoError(t, err)
	edit(t, config.ChannelGroup, []string{"capabilities", "Orderer/Capabilities", "V2_0"})
	_, err = base.Next(config)
	require.EqualError(t, err, "config update is not compatible: config requires unsupported orderer capabilities: Orderer capability V2_0 is required but not supported")
	_, err = base.Next(nil)
	require.Error(t, err)
}

func TestBrokers(t *testing.T) {
	for s, want := range map[string]bool{"a:1": true, "127.0.0.1:9092": true, "a-b.c:65535": true, "a": false, "a:b:1": false, "-a:1": false, "a:65536": false, "a:": false, ":1": false, "a_b:1": false} {
		require.Equal(t, want, isBroker(s), s)
	}
	require.EqualValues(t, math.MaxUint32, 1<<32-1)
	require.Equal(t, msp.V1_0, newChannelCapabilities(nil).MSPVersion)
}

func FuzzNew(f *testing.F) {
	for _, name := range []string{"config/genesis.block", "config/mychannel.block"} {
		f.Add(vectors.Read(f, "fabric-1.4", name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		block := &commonpb.Block{}
		if proto.Unmarshal(raw, block) != nil {
			return
		}
		b, err := FromBlock(block)
		if err != nil {
			return
		}
		_ = b.OrdererSupports()
		_ = b.PeerSupports()
		require.NoError(t, b.ValidateNew(b))
		_, _ = b.Policy(PolicyChannelWriters)
	})
}

// FuzzUpdate applies any update to the sample channel; what passes must be a tree that reads again.
func FuzzUpdate(f *testing.F) {
	f.Add(vectors.Read(f, "fabric-1.4", "config", "update-batchsize", "update.pb"))
	f.Add(wire.MustMarshal(&commonpb.ConfigUpdate{ChannelId: "mychannel", WriteSet: &commonpb.ConfigGroup{Groups: map[string]*commonpb.ConfigGroup{"A": {}}}}))
	base, _ := loadBlock(f, "config/mychannel.block")
	system, _ := loadBlock(f, "config/genesis.block")
	f.Fuzz(func(t *testing.T, raw []byte) {
		env := envelopeOf(commonpb.HeaderType_CONFIG_UPDATE, "mychannel", &commonpb.ConfigUpdateEnvelope{ConfigUpdate: raw})
		if ce, err := base.ProposeUpdate(env); err == nil {
			require.NoError(t, base.Validate(ce))
		}
		_, _ = NewChannelTemplate(system, env)
	})
}
