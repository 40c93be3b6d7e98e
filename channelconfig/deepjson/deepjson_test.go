package deepjson

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// decoded lists the vectors that configtxlator decoded in depth: the message's file, its JSON, and its type.
func decoded(t testing.TB) (list []struct{ raw, text, kind string }) {
	add := func(raw, text, kind string) {
		list = append(list, struct{ raw, text, kind string }{raw, text, kind})
	}
	blocks, err := filepath.Glob(vectors.Path("fabric-1.4", "chain", "*.block"))
	require.NoError(t, err)
	require.Len(t, blocks, 81)
	for _, b := range append(blocks, vectors.Path("fabric-1.4", "config", "genesis.block"), vectors.Path("fabric-1.4", "config", "mychannel.block")) {
		add(b, strings.TrimSuffix(b, ".block")+".json", "common.Block")
	}
	for _, org := range []string{"Org1MSP", "Org2MSP"} {
		add(vectors.Path("fabric-1.4", "config", org+"anchors.tx"), vectors.Path("fabric-1.4", "config", org+"anchors.json"), "common.Envelope")
	}
	for _, dir := range []string{"update-batchsize", "update-orderer_accepts_any_writer"} {
		for name, kind := range map[string]string{
			"original": "common.Config", "updated": "common.Config", "update": "common.ConfigUpdate",
			"signed_update_envelope": "common.Envelope", "committed_config_block": "common.Block",
		} {
			path := vectors.Path("fabric-1.4", "config", dir, name)
			add(path+".pb", path+".json", kind)
		}
	}
	return list
}

// TestVectors holds our JSON against configtxlator's, and reads it back.
func TestVectors(t *testing.T) {
	compared := 0
	for _, v := range decoded(t) {
		raw, err := os.ReadFile(v.raw)
		require.NoError(t, err)
		text, err := os.ReadFile(v.text)
		require.NoError(t, err)
		if bytes.Contains(text, []byte(`"note": "configtxlator cannot decode`)) {
			continue
		}
		compared++
		m, err := New(v.kind)
		require.NoError(t, err)
		require.NoError(t, proto.Unmarshal(raw, m))
		ours, err := Marshal(m)
		require.NoError(t, err, v.raw)
		require.JSONEq(t, string(text), string(ours), v.raw)

		back, err := New(v.kind)
		require.NoError(t, err)
		require.NoError(t, Unmarshal(ours, back), v.raw)
		again, err := Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(ours), string(again), v.raw)
	}
	require.Equal(t, 81-5+2+2+10, compared)
}

// TestEncodeGivesTheSameBytes: what was encoded canonically comes back byte for byte.
func TestEncodeGivesTheSameBytes(t *testing.T) {
	for _, name := range []string{"config/Org1MSPanchors.tx", "chain/7.block", "chain/12.block", "chain/30.block", "chain/45.block"} {
		raw := vectors.Read(t, "fabric-1.4", name)
		var m, back proto.Message = &commonpb.Block{}, &commonpb.Block{}
		if strings.HasSuffix(name, ".tx") {
			m, back = &commonpb.Envelope{}, &commonpb.Envelope{}
		}
		require.NoError(t, proto.Unmarshal(raw, m))
		text, err := Marshal(m)
		require.NoError(t, err)
		require.NoError(t, Unmarshal(text, back))
		require.True(t, proto.Equal(m, back), name)
	}
}

func TestOrganization(t *testing.T) {
	g := &commonpb.ConfigGroup{Values: map[string]*commonpb.ConfigValue{
		"MSP": {Value: wire.MustMarshal(&msppb.MSPConfig{Config: wire.MustMarshal(&msppb.FabricMSPConfig{Name: "A<B"})})},
	}}
	text, err := MarshalOrg(g)
	require.NoError(t, err)
	require.Contains(t, string(text), "\t\t\t\t\t\"name\": \"A\\u003cB\"")
	plain, err := Marshal(g)
	require.NoError(t, err)
	require.NotContains(t, string(plain), "revocation_list")
	g.Groups = map[string]*commonpb.ConfigGroup{"Sub": {}}
	_, err = MarshalOrg(g)
	require.ErrorContains(t, err, "Consortium Org groups do not support sub groups")
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		name string
		m    proto.Message
		want string
	}{
		{"numbers, enums, absent parts", &peerpb.FilteredTransaction{Type: 3, TxValidationCode: 99},
			`{"txid":"","type":"ENDORSER_TRANSACTION","tx_validation_code":99}`},
		{"bytes in a oneof stay bytes", &commonpb.CollectionPolicyConfig{Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{
			SignaturePolicy: &commonpb.SignaturePolicyEnvelope{Identities: []*msppb.MSPPrincipal{{Principal: []byte{1}}}}}},
			`{"signature_policy":{"version":0,"rule":null,"identities":[{"principal_classification":"ROLE","principal":"AQ=="}]}}`},
		{"later fields when set", &peerpb.ChaincodeInput{IsInit: true}, `{"args":[],"decorations":{},"is_init":true}`},
		{"raft metadata", &ordererpb.ConsensusType{Type: "etcdraft", Metadata: []byte{}}, `{"type":"etcdraft","metadata":null,"state":"STATE_NORMAL"}`},
		{"zero in a oneof", &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_SignedBy{}}, `{"signed_by":0}`},
		{"empty transactions", &commonpb.BlockData{Data: [][]byte{{}}}, `{"data":[{"payload":null,"signature":null}]}`},
		{"empty plain bytes in a list", &commonpb.BlockMetadata{Metadata: [][]byte{{}}}, `{"metadata":[""]}`},
		{"a fraction of a second", &commonpb.ChannelHeader{}, `{"type":0,"version":0,"timestamp":null,"channel_id":"","tx_id":"","epoch":"0","extension":null,"tls_cert_hash":null}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := Marshal(c.m)
			require.NoError(t, err)
			require.JSONEq(t, c.want, string(text))
			back := c.m.ProtoReflect().New().Interface()
			require.NoError(t, Unmarshal(text, back))
			again, err := Marshal(back)
			require.NoError(t, err)
			require.Equal(t, string(text), string(again))
		})
	}
}

func TestTime(t *testing.T) {
	for _, text := range []string{"2026-11-20T13:25:00Z", "2026-11-20T13:25:00.100Z", "2026-11-20T13:25:00.000010Z", "2026-11-20T13:25:00.000000001Z"} {
		m := &commonpb.ChannelHeader{}
		require.NoError(t, Unmarshal([]byte(`{"timestamp":"`+text+`"}`), m))
		out, err := Marshal(m)
		require.NoError(t, err)
		require.Contains(t, string(out), text)
	}
}

func TestBadInput(t *testing.T) {
	nested := &commonpb.Envelope{}
	for range maxDepth {
		header := &commonpb.Header{ChannelHeader: wire.MustMarshal(&commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_ORDERER_TRANSACTION)})}
		nested = &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{Header: header, Data: wire.MustMarshal(nested)})}
	}
	_, err := Marshal(nested)
	require.ErrorContains(t, err, "messages nest deeper than 200")

	_, err = Marshal(&commonpb.Envelope{Payload: []byte{0xff}})
	require.ErrorContains(t, err, "common.Envelope: field payload: its bytes are no common.Payload")
	_, err = Marshal(&commonpb.Config{ChannelGroup: &commonpb.ConfigGroup{Groups: map[string]*commonpb.ConfigGroup{"Other": {}}}})
	require.ErrorContains(t, err, "unknown Channel ConfigGroup sub-group: Other")
	_, err = Marshal(&commonpb.Payload{Data: []byte{1}})
	require.ErrorContains(t, err, "cannot determine payload type when header is missing")
	_, err = Marshal(&commonpb.ConfigUpdate{IsolatedData: map[string][]byte{"a": {1}}})
	require.ErrorContains(t, err, "Unknown map key: a")
	_, err = New("common.Nothing")
	require.EqualError(t, err, "message of type common.Nothing unknown")

	for text, want := range map[string]string{
		``:                         "error unmarshaling intermediate JSON",
		`[]`:                       "expected an object, got a list",
		`{"header":{}} {}`:         "something follows the object",
		`{"headr":{}}`:             `unknown field "headr"`,
		`{"header":{"number":-1}}`: "field number",
		`{"header":{"number":"99999999999999999999"}}`: "out of range",
		`{"header":{"data_hash":"*"}}`:                 "illegal base64",
		`{"data":{"data":[null]}}`:                     "expected an object, got null",
		`{"data":{"data":"x"}}`:                        "expected a list, got text",
		`{"metadata":{"metadata":[{}]}}`:               "expected base64 text, got an object",
		`{"data":{"data":[{"payload":{"data":{}}}]}}`:  "cannot determine payload type",
	} {
		require.ErrorContains(t, Unmarshal([]byte(text), &commonpb.Block{}), want, text)
	}
	require.ErrorContains(t, Unmarshal([]byte(`{"signed_by":1,"n_out_of":{}}`), &commonpb.SignaturePolicy{}), "only one of")
	require.ErrorContains(t, Unmarshal([]byte(`{"channelId":"a","channel_id":"b"}`), &commonpb.ChannelHeader{}), "given twice")
}

func FuzzUnmarshal(f *testing.F) {
	for _, v := range decoded(f)[:8] {
		text, err := os.ReadFile(v.text)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"data":{"data":[{"payload":{"header":{"channel_header":{"type":4}},"data":{"payload":{}}}}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := &commonpb.Block{}
		if Unmarshal(text, m) != nil {
			return
		}
		out, err := Marshal(m)
		if err != nil {
			return
		}
		back := &commonpb.Block{}
		require.NoError(t, Unmarshal(out, back))
		again, err := Marshal(back)
		require.NoError(t, err)
		require.True(t, json.Valid(out))
		require.Equal(t, string(out), string(again))
	})
}

func FuzzMarshal(f *testing.F) {
	for _, v := range decoded(f)[:8] {
		raw, err := os.ReadFile(v.raw)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &commonpb.Block{}
		if proto.Unmarshal(raw, m) != nil {
			return
		}
		text, err := Marshal(m)
		if err != nil {
			return
		}
		require.NoError(t, Unmarshal(text, &commonpb.Block{}))
	})
}
