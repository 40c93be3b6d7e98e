package profile

import (
	"testing"
	"time"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/channelconfig/deepjson"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
)

var now = time.Date(2026, 11, 20, 13, 25, 0, 500, time.UTC)

func load(t testing.TB, name string, env ...string) *Profile {
	t.Helper()
	f, err := Open(vectors.Path("fabric-1.4"), env)
	require.NoError(t, err)
	p, notices, err := f.Profile(name)
	require.NoError(t, err)
	require.Empty(t, notices)
	return p
}

func unmarshal[M proto.Message](t testing.TB, raw []byte, m M) M {
	t.Helper()
	require.NoError(t, proto.Unmarshal(raw, m))
	return m
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	raw := vectors.Read(t, "fabric-1.4", "config", name)
	return raw
}

// open decodes an envelope of one of the vectors or of ours.
func open[M proto.Message](t testing.TB, env *commonpb.Envelope, data M) (*commonpb.ChannelHeader, *commonpb.SignatureHeader, M) {
	t.Helper()
	p := unmarshal(t, env.Payload, &commonpb.Payload{})
	return unmarshal(t, p.Header.ChannelHeader, &commonpb.ChannelHeader{}), unmarshal(t, p.Header.SignatureHeader, &commonpb.SignatureHeader{}),
		unmarshal(t, p.Data, data)
}

func TestGenesisBlock(t *testing.T) {
	theirs := unmarshal(t, readFile(t, "genesis.block"), &commonpb.Block{})
	ch, sh, want := open(t, unmarshal(t, theirs.Data.Data[0], &commonpb.Envelope{}), &commonpb.ConfigEnvelope{})

	ours, err := load(t, "Genesis").GenesisBlock(ch.ChannelId, now)
	require.NoError(t, err)
	require.NoError(t, block.Check(ours))
	require.Equal(t, len(theirs.Metadata.Metadata), len(ours.Metadata.Metadata))
	och, osh, got := open(t, unmarshal(t, ours.Data.Data[0], &commonpb.Envelope{}), &commonpb.ConfigEnvelope{})
	require.True(t, proto.Equal(want, got), "the tree differs")
	require.Len(t, osh.Nonce, len(sh.Nonce))
	require.Len(t, och.TxId, 64)
	require.EqualValues(t, now.Unix(), och.Timestamp.Seconds)
	och.TxId, och.Timestamp = ch.TxId, ch.Timestamp
	require.True(t, proto.Equal(ch, och))

	b, err := channelconfig.FromBlock(ours)
	require.NoError(t, err)
	require.NoError(t, b.OrdererSupports())
}

func TestCreateChannelTx(t *testing.T) {
	ch, sh, want := open(t, unmarshal(t, readFile(t, "mychannel.tx"), &commonpb.Envelope{}), &commonpb.ConfigUpdateEnvelope{})
	chan_ := load(t, "Chan")
	ours, err := chan_.CreateChannelTx("mychannel", nil, now)
	require.NoError(t, err)
	och, osh, got := open(t, ours, &commonpb.ConfigUpdateEnvelope{})
	require.True(t, proto.Equal(sh, osh))
	och.Timestamp = ch.Timestamp
	require.True(t, proto.Equal(ch, och))
	require.True(t, proto.Equal(unmarshal(t, want.ConfigUpdate, &commonpb.ConfigUpdate{}), unmarshal(t, got.ConfigUpdate, &commonpb.ConfigUpdate{})))

	base := load(t, "Genesis")
	ours, err = chan_.CreateChannelTx("mychannel", base, now)
	require.NoError(t, err)
	_, _, withBase := open(t, ours, &commonpb.ConfigUpdateEnvelope{})
	update := unmarshal(t, withBase.ConfigUpdate, &commonpb.ConfigUpdate{})
	require.Contains(t, update.ReadSet.Groups[channelconfig.ApplicationKey].Groups, "Org1MSP")
	require.EqualValues(t, 1, update.WriteSet.Groups[channelconfig.ApplicationKey].Version)

	chan_.Consortium = "Other"
	_, err = chan_.CreateChannelTx("mychannel", base, now)
	require.ErrorContains(t, err, "supplied system channel group is missing 'Other' consortium")
	_, err = base.CreateChannelTx("mychannel", nil, now)
	require.EqualError(t, err, "cannot define a new channel with no Application section")
	_, err = base.CreateChannelTx("my\xff", nil, now)
	require.ErrorContains(t, err, "is not UTF-8")
}

func TestAnchorPeersUpdate(t *testing.T) {
	p := load(t, "Chan")
	for _, org := range []string{"Org1MSP", "Org2MSP"} {
		ours, err := p.AnchorPeersUpdate("mychannel", org)
		require.NoError(t, err)
		_, _, want := open(t, unmarshal(t, readFile(t, org+"anchors.tx"), &commonpb.Envelope{}), &commonpb.ConfigUpdateEnvelope{})
		_, _, got := open(t, ours, &commonpb.ConfigUpdateEnvelope{})
		require.True(t, proto.Equal(unmarshal(t, want.ConfigUpdate, &commonpb.ConfigUpdate{}), unmarshal(t, got.ConfigUpdate, &commonpb.ConfigUpdate{})))
		text, err := deepjson.Marshal(ours)
		require.NoError(t, err)
		require.JSONEq(t, string(readFile(t, org+"anchors.json")), string(text))
	}
	_, err := p.AnchorPeersUpdate("mychannel", "Org3MSP")
	require.EqualError(t, err, "No organization name matching: Org3MSP")
	_, err = p.AnchorPeersUpdate("mychannel", "")
	require.EqualError(t, err, "Must specify an organization to update the anchor peer for")
	_, err = load(t, "Genesis").AnchorPeersUpdate("mychannel", "Org1MSP")
	require.EqualError(t, err, "Cannot update anchor peers without an application section")
}

func TestOrganizationAlone(t *testing.T) {
	f, err := Open("", []string{"FABRIC_CFG_PATH=" + vectors.Path("fabric-1.4")})
	require.NoError(t, err)
	org, err := f.Organization("Org1MSP")
	require.NoError(t, err)
	g, err := org.Group()
	require.NoError(t, err)
	system, err := channelconfig.FromBlock(unmarshal(t, readFile(t, "genesis.block"), &commonpb.Block{}))
	require.NoError(t, err)
	want := system.Config().ChannelGroup.Groups["Consortiums"].Groups["SampleConsortium"].Groups["Org1MSP"]
	require.True(t, proto.Equal(want, g))
	_, err = f.Organization("Nobody")
	require.EqualError(t, err, "organization Nobody not found")
}

// TestEnvironment: variables name keys of the profile without its path.
func TestEnvironment(t *testing.T) {
	p := load(t, "Genesis", "CONFIGTX_ORDERER_BATCHSIZE_MAXMESSAGECOUNT=7", "CONFIGTX_ORDERER_ADDRESSES=[a:1, b:2]", "CONFIGTX_ORDERER_BATCHTIMEOUT=250ms")
	require.EqualValues(t, 7, p.Orderer.BatchSize.MaxMessageCount)
	require.Equal(t, []string{"a:1", "b:2"}, p.Orderer.Addresses)
	require.Equal(t, 250*time.Millisecond, p.Orderer.BatchTimeout)
}

const raftFile = `
Organizations:
  - &Org {Name: O, ID: OrdererMSP, MSPDir: crypto/ordererOrganizations/example.com/msp, OrdererEndpoints: ["o:7050"], AdminPrincipal: Role.MEMBER}
Orderer: &Orderer
  Addresses: []
  EtcdRaft:
    Consenters:
      - {Host: one, Port: 7050, ClientTLSCert: configtx.yaml, ServerTLSCert: configtx.yaml}
    Options: {SnapshotIntervalSize: 16 MB}
Profiles:
  Raft:
    Orderer:
      <<: *Orderer
      OrdererType: etcdraft
      MaxChannels: 3
      Organizations: [*Org]
    Application:
      ACLs: {cscc/GetConfigBlock: /Channel/Readers}
      Organizations:
        - <<: *Org
          AnchorPeers: [{Host: a, Port: 1}]
    Consortiums: {None: {Organizations: }, Empty: }
    Capabilities: {V1_4_3: true, V1_3: false}
`

func TestRaftAndDefaults(t *testing.T) {
	f := Parse(vectors.Path("fabric-1.4", "configtx.yaml"), []byte(raftFile), nil)
	p, _, err := f.Profile("Raft")
	require.NoError(t, err)
	p.Orderer.Capabilities = map[string]bool{"V1_4_2": true}
	p.Application.Capabilities = map[string]bool{"V1_4_2": true}
	b, err := p.GenesisBlock("system", now)
	require.NoError(t, err)
	bundle, err := channelconfig.FromBlock(b)
	require.NoError(t, err)
	o, ok := bundle.Orderer()
	require.True(t, ok)
	meta := unmarshal(t, o.ConsensusMetadata, &etcdraftpb.ConfigMetadata{})
	require.Equal(t, "one", meta.Consenters[0].Host)
	require.NotEmpty(t, meta.Consenters[0].ServerTlsCert)
	require.EqualValues(t, 16<<20, meta.Options.SnapshotIntervalSize)
	require.Equal(t, "500ms", meta.Options.TickInterval)
	require.EqualValues(t, 3, o.MaxChannels)
	require.Equal(t, 2*time.Second, o.BatchTimeout)
	require.Equal(t, []string{"o:7050"}, bundle.OrdererAddresses())
	for _, path := range []string{"/Channel/Admins", channelconfig.PolicyBlockValidation, "/Channel/Application/O/Admins", "/Channel/Consortiums/Admins"} {
		_, ok := bundle.Policy(path)
		require.True(t, ok, path)
	}
	a, _ := bundle.Application()
	require.Equal(t, "/Channel/Readers", a.ACLs["cscc/GetConfigBlock"])
	require.Equal(t, []string{"V1_4_3"}, bundle.Capabilities().Required())
	text2, err := deepjson.Marshal(b)
	require.NoError(t, err)
	require.Contains(t, string(text2), `"tick_interval": "500ms"`)
}

func TestFileErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"misspelt key":         {"Profiles:\n  P:\n    Orderer:\n      OrdererTyp: solo\n", "configtx.yaml:4: Profiles.P.Orderer.OrdererTyp is not a known key; did you mean Profiles.P.Orderer.OrdererType?"},
		"syntax":               {"Profiles:\n  P: [\n", "configtx.yaml:2: did not find expected node content"},
		"unknown anchor":       {"Profiles: *Nothing\n", "configtx.yaml:1: unknown anchor 'Nothing' referenced"},
		"bad size":             {"Profiles:\n  P:\n    Orderer:\n      BatchSize:\n        AbsoluteMaxBytes: 10 XB\n", "configtx.yaml:5: Profiles.P.Orderer.BatchSize.AbsoluteMaxBytes must be a size"},
		"no profile":           {"Profiles: {}\n", "Could not find profile:  P"},
		"empty profile":        {"Profiles: {P: }\n", "Could not find profile:  P"},
		"unknown consensus":    {"Profiles: {P: {Orderer: {OrdererType: paxos}}}\n", "configtx.yaml: profile P: unknown orderer type: paxos"},
		"no raft":              {"Profiles: {P: {Orderer: {OrdererType: etcdraft}}}\n", "etcdraft raft configuration missing"},
		"no consenters":        {"Profiles: {P: {Orderer: {OrdererType: etcdraft, EtcdRaft: {Consenters: []}}}}\n", "etcdraft configuration did not specify any consenter"},
		"incomplete consenter": {"Profiles: {P: {Orderer: {OrdererType: etcdraft, EtcdRaft: {Consenters: [{Host: a}]}}}}\n", "did not specify port, client TLS cert, server TLS cert"},
		"ticks":                {"Profiles: {P: {Orderer: {OrdererType: etcdraft, EtcdRaft: {Options: {ElectionTick: 1}, Consenters: [{Host: a}]}}}}\n", "election tick must be greater than heartbeat tick"},
		"tick interval":        {"Profiles: {P: {Orderer: {OrdererType: etcdraft, EtcdRaft: {Options: {TickInterval: 5}, Consenters: [{Host: a}]}}}}\n", "must be in time duration format"},
		"null organization":    {"Profiles: {P: {Application: {Organizations: [ ~ ]}}}\n", "Profiles.P.Application.Organizations has an empty entry"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Parse("/dir/configtx.yaml", []byte(c.text), nil).Profile("P")
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Open(t.TempDir(), nil)
	require.ErrorContains(t, err, "Could not find configtx.yaml.")
}

func TestTreeErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no MSP":            {"Profiles: {P: {Orderer: {Organizations: [{Name: O, ID: M, MSPDir: nowhere}]}}}", "1 - Error loading MSP configuration for org: O"},
		"idemix":            {"Profiles: {P: {Orderer: {Organizations: [{Name: O, ID: M, MSPType: idemix}]}}}", "MSP type idemix is not supported"},
		"bad policy":        {"Profiles: {P: {Policies: {A: {Type: Signature, Rule: \"OR(\"}}, Orderer: {}}}", "policy A: invalid signature policy rule 'OR('"},
		"bad meta":          {"Profiles: {P: {Orderer: {Policies: {A: {Type: ImplicitMeta, Rule: SOME Readers}}}}}", "invalid implicit meta policy rule 'SOME Readers'"},
		"policy type":       {"Profiles: {P: {Orderer: {Policies: {A: {Type: Magic}}}}}", "unknown policy type: Magic"},
		"empty policy":      {"Profiles: {P: {Orderer: {Policies: {A: }}}}", "policy A: it is empty"},
		"no orderer":        {"Profiles: {P: {Consortium: C}}", "refusing to generate block which is missing orderer section"},
		"no consenter file": {"Profiles: {P: {Orderer: {OrdererType: etcdraft, EtcdRaft: {Consenters: [{Host: a, Port: 1, ClientTLSCert: x, ServerTLSCert: y}]}}}}", "cannot load client cert for consenter a:1"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, err := Parse("/dir/configtx.yaml", []byte(c.text), nil).Profile("P")
			require.NoError(t, err)
			_, err = p.GenesisBlock("system", now)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzFile(f *testing.F) {
	raw := vectors.Read(f, "fabric-1.4", "configtx.yaml")
	f.Add(raw)
	f.Add([]byte(raftFile))
	f.Add([]byte("a: &a [*a]\nProfiles: &p {P: *p, <<: *p}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := Parse("/nowhere/configtx.yaml", text, []string{"CONFIGTX_ORDERER_ORDERERTYPE=solo"})
		_, _, _ = file.TopLevel()
		p, _, err := file.Profile("P")
		if err != nil {
			return
		}
		if _, err := p.GenesisBlock("system", now); err != nil {
			return
		}
		_, _ = p.CreateChannelTx("c", nil, now)
	})
}

// TestUnusedKeysAreToldOnce: an organization that many profiles name is one place in the file.
func TestUnusedKeysAreToldOnce(t *testing.T) {
	const text = "Organizations: [&O {Name: O, SkipAsForeign: true}]\nProfiles:\n  P: {Application: {Organizations: [*O]}}\n  Q: {Application: {Organizations: [*O]}}\n"
	_, notices, err := Parse("/d/configtx.yaml", []byte(text), nil).TopLevel()
	require.NoError(t, err)
	require.Len(t, notices, 1)
	require.Equal(t, "configtx.yaml:1: Profiles.P.Application.Organizations[0]: not used by Heddle: SkipAsForeign", notices[0].String())
}
