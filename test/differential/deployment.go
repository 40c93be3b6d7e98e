package differential

import (
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// The functions of lscc that write.
const (
	deploy  = "deploy"
	upgrade = "upgrade"
)

// deployment is an invocation of lscc before it is a draft.
type deployment struct {
	kind     string
	function string
	spec     *peerpb.ChaincodeDeploymentSpec
	args     [][]byte // after the deployment spec: policy, escc, vscc, collections
	data     *peerpb.ChaincodeData
	written  []byte // the collections written; nil for none
	change   func(*deployment, *draft)
}

func (g *Generator) deployment(function, name, version string) *deployment {
	kv := g.policy("OR('Org1MSP.peer', 'Org2MSP.peer')")
	return &deployment{
		kind: function, function: function, args: [][]byte{kv, []byte("escc"), []byte("vscc")},
		spec: &peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: name, Version: version},
		}},
		data: &peerpb.ChaincodeData{
			Name: name, Version: version, Escc: "escc", Vscc: "vscc", Policy: kv,
			InstantiationPolicy: wire.MustMarshal(policy.SignedByAny(policy.Admin, []string{org1, org2})),
		},
	}
}

// collections gives the deployment collections, in its arguments and in what it writes.
func (d *deployment) collections(configs ...*commonpb.CollectionConfig) {
	d.written = wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: configs})
	d.args = append(d.args[:3:3], d.written)
}

func (d *deployment) draft(g *Generator) *draft {
	args := append([][]byte{[]byte(d.function), []byte(g.channelID), wire.MustMarshal(d.spec)}, d.args...)
	name := d.data.Name
	kv := &kvrwsetpb.KVRWSet{Reads: []*kvrwsetpb.KVRead{g.now().read("lscc", name)}, Writes: []*kvrwsetpb.KVWrite{{Key: name, Value: wire.MustMarshal(d.data)}}}
	if d.written != nil {
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: name + "~collection", Value: d.written})
	}
	t := &draft{
		kind: d.kind, creator: g.people.admin1, nonce: g.nonce(), chaincode: "lscc", version: "1.4.12", args: args,
		set: &rwset.Set{Namespaces: []rwset.Namespace{{Name: "lscc", KV: kv}}}, endorsers: []*person{g.people.peer1},
	}
	if d.change != nil {
		d.change(d, t)
	}
	return t
}

// definition is what a chaincode's entry in the state says now; nil without one.
func (g *Generator) definition(name string) *peerpb.ChaincodeData {
	value, ok := g.now().values[lsccKey(name)]
	data := &peerpb.ChaincodeData{}
	if !ok || wire.UnmarshalTextAs14(value.Value, data) != nil {
		return nil
	}
	return data
}
