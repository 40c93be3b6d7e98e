package client

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Difference is one thing that two peers have found differently when they simulated the same proposal.
type Difference struct {
	What          string // such as `chaincode kv, key "a", read`
	First, Second string // what each peer has; "nothing" if it has no such thing
}

// difference tells in words where two response payloads part, and lists what differs there.
func difference(a, b []byte) (string, []Difference) {
	x, err := action(a)
	if err != nil {
		return "response payload, which the first peer sent malformed: " + err.Error(), nil
	}
	y, err := action(b)
	if err != nil {
		return "response payload, which the second peer sent malformed: " + err.Error(), nil
	}
	all := differences(facts(x), facts(y))
	switch {
	case !proto.Equal(x.Response, y.Response):
		return "chaincode's response", all
	case !bytes.Equal(x.Results, y.Results):
		return "read-write set", all
	case !bytes.Equal(x.Events, y.Events):
		return "chaincode event", all
	case !proto.Equal(x.ChaincodeId, y.ChaincodeId):
		return "chaincode version", all
	default:
		return "proposal hash", all
	}
}

func action(payload []byte) (*peerpb.ChaincodeAction, error) {
	p := &peerpb.ProposalResponsePayload{}
	if err := proto.Unmarshal(payload, p); err != nil {
		return nil, err
	}
	a := &peerpb.ChaincodeAction{}
	return a, proto.Unmarshal(p.Extension, a)
}

func differences(x, y map[string]string) []Difference {
	const nothing = "nothing"
	var all []Difference
	add := func(what, first, second string) { // names are what a peer says that they are
		all = append(all, Difference{Printable(what), Printable(first), Printable(second)})
	}
	for _, what := range slices.Sorted(maps.Keys(x)) {
		if second, ok := y[what]; !ok {
			add(what, x[what], nothing)
		} else if second != x[what] {
			add(what, x[what], second)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(y)) {
		if _, ok := x[what]; !ok {
			add(what, nothing, y[what])
		}
	}
	return all
}

// facts are what a simulation found, each in words under what it is about.
func facts(a *peerpb.ChaincodeAction) map[string]string {
	f := map[string]string{
		"response status":  fmt.Sprint(a.Response.GetStatus()),
		"response message": shown([]byte(a.Response.GetMessage())),
		"response payload": shown(a.Response.GetPayload()),
		"chaincode":        a.ChaincodeId.GetName() + ":" + a.ChaincodeId.GetVersion(),
	}
	if event := (&peerpb.ChaincodeEvent{}); len(a.Events) > 0 && proto.Unmarshal(a.Events, event) == nil {
		f["event "+event.EventName] = shown(event.Payload)
	}
	set, err := rwset.Parse(a.Results)
	if err != nil {
		f["read-write set"] = "unreadable: " + err.Error()
		return f
	}
	for _, ns := range set.Namespaces {
		publicFacts(f, "chaincode "+ns.Name, ns.KV)
		for _, c := range ns.Collections {
			hashedFacts(f, fmt.Sprintf("chaincode %s, collection %s", ns.Name, c.Name), c.Hashed)
		}
	}
	return f
}

func publicFacts(f map[string]string, in string, kv *kvrwsetpb.KVRWSet) {
	for _, r := range kv.Reads {
		f[fmt.Sprintf("%s, key %.64q, read", in, r.GetKey())] = versionText(r.GetVersion())
	}
	for i, q := range kv.RangeQueriesInfo {
		what := fmt.Sprintf("%s, range query %d from %.64q to %.64q", in, i+1, q.GetStartKey(), q.GetEndKey())
		for _, r := range q.GetRawReads().GetKvReads() {
			f[fmt.Sprintf("%s, key %.64q", what, r.GetKey())] = versionText(r.GetVersion())
		}
		if m := q.GetReadsMerkleHashes(); m != nil {
			f[what+", hashes of its many results"] = shown(bytes.Join(m.MaxLevelHashes, nil))
		}
	}
	for _, w := range kv.Writes {
		text := shown(w.GetValue())
		if w.GetIsDelete() {
			text = "deleted"
		}
		f[fmt.Sprintf("%s, key %.64q, written", in, w.GetKey())] = text
	}
	for _, w := range kv.MetadataWrites {
		f[fmt.Sprintf("%s, key %.64q, metadata written", in, w.GetKey())] = entriesText(w.GetEntries())
	}
}

func hashedFacts(f map[string]string, in string, h *kvrwsetpb.HashedRWSet) {
	for _, r := range h.HashedReads {
		f[fmt.Sprintf("%s, key of hash %.32x, read", in, r.GetKeyHash())] = versionText(r.GetVersion())
	}
	for _, w := range h.HashedWrites {
		text := fmt.Sprintf("value of hash %.32x", w.GetValueHash())
		if w.GetIsDelete() {
			text = "deleted"
		}
		f[fmt.Sprintf("%s, key of hash %.32x, written", in, w.GetKeyHash())] = text
	}
	for _, w := range h.MetadataWrites {
		f[fmt.Sprintf("%s, key of hash %.32x, metadata written", in, w.GetKeyHash())] = entriesText(w.GetEntries())
	}
}

func versionText(v *kvrwsetpb.Version) string {
	if v == nil {
		return "no such key"
	}
	return fmt.Sprintf("version %d:%d", v.BlockNum, v.TxNum)
}

func entriesText(entries []*kvrwsetpb.KVMetadataEntry) string {
	text := "none"
	for i, e := range entries {
		if i == 0 {
			text = ""
		}
		text += fmt.Sprintf("%s=%s ", e.GetName(), shown(e.GetValue()))
	}
	return text
}

// shown is a value as people can tell it from another.
func shown(value []byte) string {
	const most = 64
	if len(value) <= most {
		return fmt.Sprintf("%q", value)
	}
	return fmt.Sprintf("%.*q… (%d bytes, SHA-256 %.4x…)", most/2, value, len(value), sha256.Sum256(value))
}
