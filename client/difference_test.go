package client

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func payload(t testing.TB, version, answer string, event []byte, simulate func(*rwset.Builder)) []byte {
	t.Helper()
	b := &rwset.Builder{}
	simulate(b)
	results, err := b.Set().Marshal()
	require.NoError(t, err)
	return wire.MustMarshal(&peerpb.ProposalResponsePayload{Extension: wire.MustMarshal(&peerpb.ChaincodeAction{
		Results: results, Response: &peerpb.Response{Status: 200, Payload: []byte(answer)},
		Events:      wire.MustMarshal(&peerpb.ChaincodeEvent{EventName: "moved", Payload: event}),
		ChaincodeId: &peerpb.ChaincodeID{Name: "kv", Version: version},
	})})
}

func TestDifferencesKeyByKey(t *testing.T) {
	long := []byte(strings.Repeat("x", 100))
	one := payload(t, "1.0", "a", []byte("e1"), func(b *rwset.Builder) {
		b.Read("kv", "same", &kvrwsetpb.Version{BlockNum: 1})
		b.Read("kv", "a", &kvrwsetpb.Version{BlockNum: 5, TxNum: 2})
		b.Read("kv", "gone", &kvrwsetpb.Version{BlockNum: 5})
		b.Write("kv", "a", []byte("1"))
		b.Write("kv", "long", append(long, '1'))
		b.WriteMetadata("kv", "a", map[string][]byte{"m": []byte("1")})
		b.Range("kv", &kvrwsetpb.RangeQueryInfo{StartKey: "a", EndKey: "c", ReadsInfo: &kvrwsetpb.RangeQueryInfo_RawReads{
			RawReads: &kvrwsetpb.QueryReads{KvReads: []*kvrwsetpb.KVRead{{Key: "b", Version: &kvrwsetpb.Version{BlockNum: 3}}}}}})
	})
	two := payload(t, "1.0", "b", []byte("e2"), func(b *rwset.Builder) {
		b.Read("kv", "same", &kvrwsetpb.Version{BlockNum: 1})
		b.Read("kv", "a", &kvrwsetpb.Version{BlockNum: 4, TxNum: 0})
		b.Read("kv", "gone", nil)
		b.Write("kv", "a", nil)
		b.Write("kv", "long", append(long, '2'))
		b.WriteMetadata("kv", "a", map[string][]byte{})
		b.Range("kv", &kvrwsetpb.RangeQueryInfo{StartKey: "a", EndKey: "c"})
	})
	what, all := difference(one, two)
	require.Equal(t, "chaincode's response", what)
	require.Equal(t, []Difference{
		{`chaincode kv, key "a", metadata written`, `m="1" `, "none"},
		{`chaincode kv, key "a", read`, "version 5:2", "version 4:0"},
		{`chaincode kv, key "a", written`, `"1"`, "deleted"},
		{`chaincode kv, key "gone", read`, "version 5:0", "no such key"},
		{`chaincode kv, key "long", written`, all[4].First, all[4].Second},
		{`chaincode kv, range query 1 from "a" to "c", key "b"`, "version 3:0", "nothing"},
		{"event moved", `"e1"`, `"e2"`},
		{"response payload", `"a"`, `"b"`},
	}, all)
	require.Contains(t, all[4].First, "101 bytes")
	require.NotEqual(t, all[4].First, all[4].Second)

	e := &MismatchError{TxID: "tx", First: "peer0:1", Second: "peer1:2", Differ: what, Differences: append(all, all...)}
	require.Contains(t, e.Error(), "\n  chaincode kv, key \"a\", read:\n    version 5:2 at peer0:1\n    version 4:0 at peer1:2")
	require.Contains(t, e.Error(), "\n  and 6 more differences")

	what, all = difference(one, []byte{0xff})
	require.Contains(t, what, "which the second peer sent malformed")
	require.Empty(t, all)
}

func FuzzDifference(f *testing.F) {
	good := payload(f, "1.0", "a", nil, func(b *rwset.Builder) { b.Write("kv", "a", []byte("1")) })
	f.Add(good, good)
	f.Add(good, []byte{0xff})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		what, _ := difference(a, b)
		require.NotEmpty(t, what)
	})
}
