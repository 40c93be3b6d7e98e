package system_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/system"
	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	network   = "fabric-1.4"
	channelID = "mychannel"
)

// fixture is a peer of Org1 that has joined nothing yet.
type fixture struct {
	registry    *channel.Registry
	access      *acl.Checker
	packages    *pack.Store
	admin, user *msp.Signer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	load := func(name string) *msp.Signer {
		s, err := msp.LoadSigner(vectors.Path(network, "crypto/peerOrganizations/org1.example.com", name, "msp"), "Org1MSP")
		require.NoError(t, err)
		return s
	}
	own := load("peers/peer0.org1.example.com")
	f := &fixture{admin: load("users/Admin@org1.example.com"), user: load("users/User1@org1.example.com")}
	var err error
	f.packages, err = pack.OpenStore(filepath.Join(dir, "chaincodes"))
	require.NoError(t, err)
	f.registry, err = channel.Open(t.Context(), channel.Options{
		Dir: filepath.Join(dir, "channels"), Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.registry.Close()) })
	f.access = acl.New(msp.NewManager(own.MSP()), f.registry.Bundle)
	return f
}

func (f *fixture) call(t *testing.T, s *msp.Signer, args ...[]byte) *chaincode.Call {
	t.Helper()
	input := &peerpb.ChaincodeInput{Args: args}
	p, err := tx.NewProposal(s, tx.ProposalRequest{Time: time.Unix(0, 0), Spec: &peerpb.ChaincodeSpec{
		ChaincodeId: &peerpb.ChaincodeID{Name: "scc"}, Input: input,
	}})
	require.NoError(t, err)
	return &chaincode.Call{TxID: p.TxID(), Input: input, Proposal: p}
}

func (f *fixture) cscc(t *testing.T, s *msp.Signer, args ...[]byte) *peerpb.Response {
	t.Helper()
	c := &system.CSCC{ACL: f.access, Channels: f.registry}
	return c.Invoke(t.Context(), f.call(t, s, args...))
}

func bytesOf(texts ...string) [][]byte {
	var b [][]byte
	for _, s := range texts {
		b = append(b, []byte(s))
	}
	return b
}

// A peer joins a channel once, by its administrator's order, and then knows its configuration.
func TestJoin(t *testing.T) {
	f := newFixture(t)
	genesis := vectors.Read(t, network, "config", "mychannel.block")
	join := func(s *msp.Signer, raw []byte) string {
		r := f.cscc(t, s, []byte("JoinChain"), raw)
		require.Equal(t, r.Status == 200, r.Message == "")
		return r.Message
	}
	require.Contains(t, join(f.user, genesis), "access denied for [JoinChain][mychannel]: [Failed verifying that proposal's creator satisfies local MSP principal")
	require.Contains(t, join(f.admin, []byte("garbage")), "Failed to reconstruct the genesis block, error unmarshaling block: ")
	require.Equal(t, `"JoinChain" request failed to extract channel id from the block due to [failed to retrieve channel id - block is empty]`, join(f.admin, nil))
	require.Equal(t, `"JoinChain" for chainID = syschan failed because of validation of configuration block, because of `+
		`Invalid configuration block, missing Application configuration group`, join(f.admin, vectors.Read(t, network, "config", "genesis.block")))
	require.Contains(t, join(f.admin, vectors.Read(t, network, "chain", "7.block")), "Bad configuration envelope")

	b := &commonpb.Block{}
	require.NoError(t, proto.Unmarshal(genesis, b))
	b.Header.DataHash = []byte("wrong")
	require.Contains(t, join(f.admin, wire.MustMarshal(b)), "header says the data hashes to")
	require.Empty(t, f.registry.IDs())

	require.Empty(t, join(f.admin, genesis))
	require.Contains(t, join(f.admin, genesis), "LedgerID already exists")

	r := f.cscc(t, f.user, []byte("GetChannels"))
	channels := &peerpb.ChannelQueryResponse{}
	require.NoError(t, proto.Unmarshal(r.Payload, channels))
	require.Len(t, channels.Channels, 1)
	require.Equal(t, channelID, channels.Channels[0].ChannelId)

	r = f.cscc(t, f.user, bytesOf("GetConfigBlock", channelID)...)
	require.NoError(t, proto.Unmarshal(r.Payload, b))
	require.EqualValues(t, 0, b.Header.Number)

	q := &system.QSCC{ACL: f.access, Channels: f.registry}
	r = q.Invoke(t.Context(), f.call(t, f.user, bytesOf("GetChainInfo", channelID)...))
	info := &commonpb.BlockchainInfo{}
	require.NoError(t, proto.Unmarshal(r.Payload, info))
	require.EqualValues(t, 1, info.Height)
}

func TestConfigUpdateIsTried(t *testing.T) {
	f := newFixture(t)
	require.EqualValues(t, 200, f.cscc(t, f.admin, []byte("JoinChain"), vectors.Read(t, network, "config", "mychannel.block")).Status)
	try := func(update []byte) *peerpb.Response {
		return f.cscc(t, f.admin, []byte("SimulateConfigTreeUpdate"), []byte(channelID), update)
	}
	r := try(vectors.Read(t, network, "config", "Org1MSPanchors.tx"))
	require.EqualValues(t, 500, r.Status)
	require.Contains(t, r.Message, "not satisfied", "the recorded update is not signed")
	require.Equal(t, "Config delta bytes must not be nil", try(nil).Message)
	require.EqualValues(t, 500, try([]byte("garbage")).Status)
	require.Equal(t, "invalid payload header type: 3", try(vectors.Read(t, network, "proposals", "envelope.pb")).Message)

	unsigned := &commonpb.Envelope{}
	require.NoError(t, proto.Unmarshal(vectors.Read(t, network, "config", "Org1MSPanchors.tx"), unsigned))
	require.EqualValues(t, 200, try(signedUpdate(t, f.admin, unsigned)).Status, "the organisation's administrator may set its anchors")
}

// signedUpdate adds a config signature to an update's envelope.
func signedUpdate(t *testing.T, s *msp.Signer, e *commonpb.Envelope) []byte {
	t.Helper()
	payload, update := &commonpb.Payload{}, &commonpb.ConfigUpdateEnvelope{}
	require.NoError(t, proto.Unmarshal(e.Payload, payload))
	require.NoError(t, proto.Unmarshal(payload.Data, update))
	header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: s.Creator(), Nonce: []byte("nonce")})
	signature, err := s.Sign(append(bytes.Clone(header), update.ConfigUpdate...))
	require.NoError(t, err)
	update.Signatures = []*commonpb.ConfigSignature{{SignatureHeader: header, Signature: signature}}
	payload.Data = wire.MustMarshal(update)
	return wire.MustMarshal(&commonpb.Envelope{Payload: wire.MustMarshal(payload)})
}

// A package's state database artifacts are held to Fabric's rules at install.
func TestInstallChecksIndexes(t *testing.T) {
	f := newFixture(t)
	lscc := &system.LSCC{ACL: f.access, Channels: f.registry, Packages: f.packages, Log: slog.New(slog.DiscardHandler)}
	const dir = "META-INF/statedb/couchdb/"
	for i, c := range []struct{ file, content, want string }{
		{dir + "indexes/a.json", `{"index":{"fields":["a",{"b":"desc"}]},"ddoc":"d","name":"n","type":"json"}`, ""},
		{dir + "collections/c/indexes/a.json", `{"index":{"fields":["a"],"partial_filter_selector":{}}}`, ""},
		{"src/anything", "", ""},
		{dir + "indexes/a.json", "{", "Index metadata file [META-INF/statedb/couchdb/indexes/a.json] is not a valid JSON"},
		{dir + "indexes/a.json", `{"ddoc":"d"}`, `Index definition must include a "fields" definition`},
		{dir + "indexes/a.json", `{"index":{"fields":"a"}}`, "Expecting a JSON array of fields"},
		{dir + "indexes/a.json", `{"index":{"fields":[{"a":"up"}]}}`, `Sort must be either "asc" or "desc".  "up" was found.`},
		{dir + "indexes/a.json", `{"index":{},"name":7}`, `Invalid entry, "name" must be a string`},
		{dir + "indexes/a.json", `{"index":{},"type":"text"}`, "Index type must be json"},
		{dir + "indexes/a.json", `{"index":{},"more":1}`, "Invalid Entry.  Entry more"},
		{dir + "a.json", "{}", "metadata file path or name is not supported: META-INF/statedb/couchdb/"},
	} {
		var code bytes.Buffer
		zipped := gzip.NewWriter(&code)
		files := tar.NewWriter(zipped)
		require.NoError(t, files.WriteHeader(&tar.Header{Name: "src/cc/main.go", Mode: 0o644}))
		require.NoError(t, files.WriteHeader(&tar.Header{Name: c.file, Size: int64(len(c.content)), Mode: 0o644}))
		_, err := files.Write([]byte(c.content))
		require.NoError(t, err)
		require.NoError(t, files.Close())
		require.NoError(t, zipped.Close())
		raw, err := pack.Create(&peerpb.ChaincodeDeploymentSpec{
			ChaincodeSpec: &peerpb.ChaincodeSpec{
				Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: "cc", Version: string(rune('a' + i)), Path: "cc"},
			},
			CodePackage: code.Bytes(),
		})
		require.NoError(t, err)
		r := lscc.Invoke(t.Context(), f.call(t, f.admin, []byte("install"), raw))
		if c.want == "" {
			require.EqualValues(t, 200, r.Status, r.Message)
			continue
		}
		require.Contains(t, r.Message, "invalid state database artifact: ")
		require.Contains(t, r.Message, c.want)
	}
}

// Administrators read the file of an installed package, whatever channels say of it; others do not.
func TestInstalledPackage(t *testing.T) {
	f := newFixture(t)
	lscc := &system.LSCC{ACL: f.access, Channels: f.registry, Packages: f.packages, Log: slog.New(slog.DiscardHandler)}
	raw := vectors.Read(t, network, "packages", "signedcc.signed-by-both.pkg")
	_, err := f.packages.Install(raw)
	require.NoError(t, err)
	ask := func(s *msp.Signer, args ...string) *peerpb.Response {
		input := [][]byte{[]byte("getinstalledpackage")}
		for _, a := range args {
			input = append(input, []byte(a))
		}
		return lscc.Invoke(t.Context(), f.call(t, s, input...))
	}
	require.Equal(t, raw, ask(f.admin, "signedcc", "1.0").Payload)
	require.Contains(t, ask(f.admin, "signedcc", "../signedcc.1.0").Message, "invalid chaincode version")
	require.Contains(t, ask(f.admin, "signedcc", "2.0").Message, "no such file")
	require.Contains(t, ask(f.admin, "signedcc").Message, "invalid number of arguments to lscc")
	require.Contains(t, ask(f.user, "signedcc", "1.0").Message, "access denied for [getinstalledpackage]")
}
