package validation

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// deploymentTx is an invocation of lscc, by an admin of Org1, that instantiates or upgrades a chaincode.
type deploymentTx struct {
	n           *network
	tx          *endorsement
	function    string
	spec        *peerpb.ChaincodeDeploymentSpec
	args        [][]byte // after the deployment spec
	data        *peerpb.ChaincodeData
	collections []byte           // written
	change      func(*rwset.Set) // of what is written
}

func (n *network) deployment(function, name, version string) *deploymentTx {
	return &deploymentTx{
		n: n, function: function, data: n.data(name, version),
		tx: &endorsement{creator: n.admin1, chaincode: "lscc", version: "1.4.12", endorsers: []*msp.Signer{n.peer1}},
		spec: &peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: name, Version: version},
		}},
	}
}

// data is a definition that the admins of both organizations may instantiate and upgrade.
func (n *network) data(name, version string) *peerpb.ChaincodeData {
	return &peerpb.ChaincodeData{
		Name: name, Version: version, Escc: "escc", Vscc: "vscc", Policy: n.eitherPeer,
		InstantiationPolicy: wire.MustMarshal(policy.SignedByAny(policy.Admin, []string{"Org1MSP", "Org2MSP"})),
	}
}

func (d *deploymentTx) build() []byte {
	d.tx.args = append([][]byte{[]byte(d.function), []byte(channelID), wire.MustMarshal(d.spec)}, d.args...)
	writes := []*kvrwsetpb.KVWrite{{Key: d.data.Name, Value: wire.MustMarshal(d.data)}}
	if d.collections != nil {
		writes = append(writes, &kvrwsetpb.KVWrite{Key: d.data.Name + "~collection", Value: d.collections})
	}
	d.tx.set = &rwset.Set{Namespaces: []rwset.Namespace{{Name: "lscc", KV: &kvrwsetpb.KVRWSet{Writes: writes}}}}
	apply(d.change, d.tx.set)
	return d.n.build(d.tx)
}

// collected gives the deployment collections, in its arguments and in what it writes.
func (d *deploymentTx) collected(configs ...*commonpb.CollectionConfig) {
	d.collections = wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: configs})
	d.args = [][]byte{d.n.eitherPeer, []byte("escc"), []byte("vscc"), d.collections}
}

func collection(name string, change func(*commonpb.StaticCollectionConfig)) *commonpb.CollectionConfig {
	members, _ := policy.Parse("OR('Org1MSP.member', 'Org2MSP.member')")
	c := &commonpb.StaticCollectionConfig{
		Name: name, RequiredPeerCount: 0, MaximumPeerCount: 1, BlockToLive: 10,
		MemberOrgsPolicy: &commonpb.CollectionPolicyConfig{Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{SignaturePolicy: members}},
	}
	apply(change, c)
	return &commonpb.CollectionConfig{Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: c}}
}

func TestDeploymentRules(t *testing.T) {
	const deploy, upgrade = "deploy", "upgrade"
	lsccWrites := func(change func([]*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite) func(*rwset.Set) {
		return func(s *rwset.Set) { s.Namespaces[0].KV.Writes = change(s.Namespaces[0].KV.Writes) }
	}
	cases := []struct {
		name, function, reason string // no reason: VALID
		change                 func(*deploymentTx)
	}{
		{"deploy", deploy, "", func(*deploymentTx) {}},
		{"upgrade", upgrade, "", func(*deploymentTx) {}},
		{"deploy what is there", deploy, "Chaincode old is already instantiated", func(d *deploymentTx) { d.rename("old", "2.0") }},
		{"upgrade what is not", upgrade, "Upgrading non-existent chaincode new", func(d *deploymentTx) { d.rename("new", "2.0") }},
		{"upgrade to the same version", upgrade, "Existing version of the cc on the ledger (1.0) should be different", func(d *deploymentTx) { d.rename("old", "1.0") }},
		{"another function", "install", "function install of lscc is invalid", func(*deploymentTx) {}},
		{"long name of the function", "DEPLOY", "function DEPLOY of lscc is invalid", func(*deploymentTx) {}},
		{"too many arguments", deploy, "Wrong number of arguments", func(d *deploymentTx) { d.args = make([][]byte, 5) }},
		{"no chaincode spec", deploy, "no chaincode spec", func(d *deploymentTx) { d.spec.ChaincodeSpec = nil }},
		{"no chaincode id", deploy, "does not have appropriate arguments", func(d *deploymentTx) { d.spec.ChaincodeSpec.ChaincodeId = nil }},
		{"unknown language", deploy, "Unknown chaincodeType: UNDEFINED", func(d *deploymentTx) { d.spec.ChaincodeSpec.Type = 0 }},
		{"bad name", deploy, "invalid chaincode name 'a b'", func(d *deploymentTx) { d.rename("a b", "1.0") }},
		{"name ends in a line break", deploy, "invalid chaincode name", func(d *deploymentTx) { d.rename("new\n", "1.0") }},
		{"system chaincode's name", deploy, "'qscc' is reserved for system chaincodes", func(d *deploymentTx) { d.rename("qscc", "1.0") }},
		{"bad version", deploy, "invalid chaincode version '1 0'", func(d *deploymentTx) { d.rename("new", "1 0") }},
		{"writes nothing", deploy, "must issue at least one single putState", func(d *deploymentTx) {
			d.change = lsccWrites(func([]*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite { return nil })
		}},
		{"has no set for lscc", deploy, "No read write set for lscc", func(d *deploymentTx) {
			d.change = func(s *rwset.Set) { s.Namespaces = nil }
		}},
		{"writes another key", deploy, "expected key new, found other", func(d *deploymentTx) {
			d.change = lsccWrites(func(w []*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite { w[0].Key = "other"; return w })
		}},
		{"writes something else", deploy, "unmarhsalling of ChaincodeData failed", func(d *deploymentTx) {
			d.change = lsccWrites(func(w []*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite { w[0].Value = []byte{0xff}; return w })
		}},
		{"writes another name", deploy, "expected cc name new, found other", func(d *deploymentTx) {
			d.change = lsccWrites(func(w []*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite {
				w[0].Value = wire.MustMarshal(d.n.data("other", "1.0"))
				return w
			})
		}},
		{"writes another version", deploy, "expected cc version 1.0, found 6.6", func(d *deploymentTx) {
			d.change = lsccWrites(func(w []*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite {
				w[0].Value = wire.MustMarshal(d.n.data("new", "6.6"))
				return w
			})
		}},
		{"writes three entries", deploy, "one or two putState", func(d *deploymentTx) {
			d.change = lsccWrites(func(w []*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite { return append(w, w[0], w[0]) })
		}},
		{"second entry is no collection", deploy, "expected 'new~collection', received 'other'", func(d *deploymentTx) {
			d.change = lsccWrites(func(w []*kvrwsetpb.KVWrite) []*kvrwsetpb.KVWrite { return append(w, &kvrwsetpb.KVWrite{Key: "other"}) })
		}},
		{"Init writes its own state", deploy, "", func(d *deploymentTx) {
			d.change = func(s *rwset.Set) { *s = *both(s, writeSet("new", "a", "b")) }
		}},
		{"Init writes another chaincode's", deploy, "attempting to write to namespace open", func(d *deploymentTx) {
			d.change = func(s *rwset.Set) { *s = *both(s, writeSet("open", "a")) }
		}},
		{"endorsed by nobody", deploy, "endorsement policy for chaincode lscc failed", func(d *deploymentTx) { d.tx.endorsers = nil }},
		{"endorsed by any member", deploy, "", func(d *deploymentTx) { d.tx.endorsers = []*msp.Signer{d.n.user2} }},
		{"endorsed by the orderer's organization", deploy, "endorsement policy for chaincode lscc failed", func(d *deploymentTx) {
			d.tx.endorsers = []*msp.Signer{d.n.ordererAdmin}
		}},
		{"by a user", deploy, "instantiation policy violated", func(d *deploymentTx) { d.tx.creator = d.n.user1 }},
		{"by the other admin", upgrade, "", func(d *deploymentTx) { d.tx.creator = d.n.admin2 }},
		{"no instantiation policy", deploy, "no instantiation policy was specified", func(d *deploymentTx) { d.data.InstantiationPolicy = nil }},
		{"instantiation policy garbage", deploy, "instantiation policy violated", func(d *deploymentTx) { d.data.InstantiationPolicy = []byte{0xff} }},
		{"upgrade, new policy forbids it", upgrade, "instantiation policy violated", func(d *deploymentTx) {
			d.data.InstantiationPolicy = d.n.policy("AND('Org2MSP.admin')")
		}},
		{"upgrade, new policy missing", upgrade, "no instantiation policy was specified", func(d *deploymentTx) { d.data.InstantiationPolicy = nil }},
		{"upgrade, old policy forbids it", upgrade, "instantiation policy violated", func(d *deploymentTx) { d.rename("theirs", "2.0") }},

		{"collections", deploy, "", func(d *deploymentTx) { d.collected(collection("c", nil), collection("d", nil)) }},
		{"empty collections", deploy, "", func(d *deploymentTx) { d.collected() }},
		{"collections not written", deploy, "do not match the configuration in the lscc writeset", func(d *deploymentTx) {
			d.collected(collection("c", nil))
			d.collections = nil
		}},
		{"collections not asked for", deploy, "do not match the configuration in the lscc writeset", func(d *deploymentTx) {
			d.collected(collection("c", nil))
			d.args = nil
		}},
		{"collections exist already", deploy, "collection data should not exist for chaincode ghost:1.0", func(d *deploymentTx) { d.rename("ghost", "1.0") }},
		{"collections garbage", deploy, "invalid collection configuration supplied", func(d *deploymentTx) {
			d.collected()
			d.collections = []byte{0xff}
			d.args[3] = d.collections
		}},
		{"collection of no type", deploy, "unknown collection configuration type", func(d *deploymentTx) { d.collected(&commonpb.CollectionConfig{}) }},
		{"collection without name", deploy, "empty collection-name", func(d *deploymentTx) { d.collected(collection("", nil)) }},
		{"collection with a bad name", deploy, "A valid collection name follows", func(d *deploymentTx) { d.collected(collection("a.b", nil)) }},
		{"collection twice", deploy, "found duplicate", func(d *deploymentTx) { d.collected(collection("c", nil), collection("c", nil)) }},
		{"collection asks for too many peers", deploy, "cannot be greater than the required", func(d *deploymentTx) {
			d.collected(collection("c", func(c *commonpb.StaticCollectionConfig) { c.RequiredPeerCount = 2 }))
		}},
		{"collection asks for fewer than none", deploy, "cannot be less than zero", func(d *deploymentTx) {
			d.collected(collection("c", func(c *commonpb.StaticCollectionConfig) { c.RequiredPeerCount = -1 }))
		}},
		{"collection of nobody", deploy, "error in member org policy", func(d *deploymentTx) {
			d.collected(collection("c", func(c *commonpb.StaticCollectionConfig) { c.MemberOrgsPolicy = nil }))
		}},
		{"collection of an AND", deploy, "not an OR concatenation, NOutOf 2", func(d *deploymentTx) {
			d.collected(collection("c", func(c *commonpb.StaticCollectionConfig) {
				c.MemberOrgsPolicy.GetSignaturePolicy().Rule.GetNOutOf().N = 2
			}))
		}},
		{"upgrade keeps collections", upgrade, "", func(d *deploymentTx) {
			d.rename("coll", "2.0")
			d.collected(collection("more", nil), collection("c", nil))
		}},
		{"upgrade drops a collection", upgrade, "existing collections are missing in the new collection configuration package: [c]", func(d *deploymentTx) {
			d.rename("coll", "2.0")
			d.collected(collection("more", nil))
		}},
		{"upgrade drops all", upgrade, "are missing", func(d *deploymentTx) { d.rename("coll", "2.0"); d.collected() }},
		{"upgrade does not speak of collections", upgrade, "", func(d *deploymentTx) { d.rename("coll", "2.0") }},
		{"upgrade changes how long a collection lives", upgrade, "BlockToLive in the following existing collections must not be modified: [c]", func(d *deploymentTx) {
			d.rename("coll", "2.0")
			d.collected(collection("c", func(c *commonpb.StaticCollectionConfig) { c.BlockToLive = 11 }))
		}},
	}
	n := newNetwork(t)
	state := n.newMemory()
	for _, name := range []string{"old", "coll"} {
		state.define(n.data(name, "1.0"))
	}
	theirs := n.data("theirs", "1.0")
	theirs.InstantiationPolicy = n.policy("AND('Org2MSP.admin')")
	state.define(theirs)
	stored := wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{collection("c", nil)}})
	state.values[[2]string{"lscc", "coll~collection"}] = stored
	state.values[[2]string{"lscc", "ghost~collection"}] = stored
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := n.deployment(c.function, "new", "1.0")
			if c.function == upgrade {
				d.rename("old", "2.0")
			}
			c.change(d)
			codes, reasons := n.judge(state, d.build())
			if c.reason == "" {
				require.Equal(t, []string{"VALID"}, codes, reasons)
				return
			}
			require.Equal(t, []string{"ENDORSEMENT_POLICY_FAILURE"}, codes)
			require.Contains(t, reasons[0], c.reason)
		})
	}
}

func (d *deploymentTx) rename(name, version string) {
	d.spec.ChaincodeSpec.ChaincodeId = &peerpb.ChaincodeID{Name: name, Version: version}
	d.data.Name, d.data.Version = name, version
}

// TestDeploymentByCapability: collections came with 1.2, the check of an upgrade's new instantiation policy with 1.1.
func TestDeploymentByCapability(t *testing.T) {
	for level, want := range map[string]string{"none": "ppv", "V1_1": "ppp", "V1_2": "vvp", "V1_3": "vvp"} {
		n := newNetwork(t, level)
		state := n.newMemory()
		state.define(n.data("old", "1.0"))
		deploy := n.deployment("deploy", "new", "1.0")
		deploy.collected(collection("c", nil))
		upgrade := n.deployment("upgrade", "old", "2.0")
		upgrade.collected(collection("c", nil))
		forbidden := n.deployment("upgrade", "old", "2.0")
		forbidden.data.InstantiationPolicy = n.policy("AND('Org2MSP.admin')")
		got := ""
		for _, d := range []*deploymentTx{deploy, upgrade, forbidden} {
			codes, _ := n.judge(state, d.build())
			got += map[string]string{"VALID": "v", "ENDORSEMENT_POLICY_FAILURE": "p"}[codes[0]]
		}
		require.Equal(t, want, got, level)
	}
}

func TestDamagedLSCCStateStopsThePeer(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	state.values[[2]string{"lscc", "new"}] = []byte{0xff}
	_, err := n.verdict(state, n.deployment("deploy", "new", "1.0").build())
	require.ErrorContains(t, err, "unmarshalling ChaincodeQueryResponse failed")
}

func TestCodePackages(t *testing.T) {
	const golang, node, java, car = peerpb.ChaincodeSpec_GOLANG, peerpb.ChaincodeSpec_NODE, peerpb.ChaincodeSpec_JAVA, peerpb.ChaincodeSpec_CAR
	spec := func(language peerpb.ChaincodeSpec_Type, code []byte) *peerpb.ChaincodeDeploymentSpec {
		return &peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{Type: language}, CodePackage: code}
	}
	require.NoError(t, CheckDeploymentSpec(spec(golang, archive(t, 0o100644, "src/a/a.go", "META-INF/x"))))
	require.NoError(t, CheckDeploymentSpec(spec(golang, archive(t, 0o100644, "/src/a.go"))))
	require.ErrorContains(t, CheckDeploymentSpec(spec(golang, archive(t, 0o100644, "pkg/a.a"))), `illegal file detected in payload: "pkg/a.a"`)
	require.ErrorContains(t, CheckDeploymentSpec(spec(golang, archive(t, 0o100755, "src/a.go"))), "illegal file mode detected for file src/a.go: 100755")
	require.ErrorContains(t, CheckDeploymentSpec(spec(golang, []byte("no gzip"))), "failure opening codepackage gzip stream")
	torn := archive(t, 0o100644, "src/a.go", "src/b.go")
	require.NoError(t, CheckDeploymentSpec(spec(golang, torn[:len(torn)/2])), "Fabric reads as far as it can")
	require.NoError(t, CheckDeploymentSpec(spec(node, archive(t, 0o100644, "src/package.json"))))
	require.ErrorContains(t, CheckDeploymentSpec(spec(node, archive(t, 0o100644, "src/a.js"))), "no package.json")
	require.NoError(t, CheckDeploymentSpec(spec(java, archive(t, 0o100644, "src/pom.xml", "src/src/A.java"))))
	require.ErrorContains(t, CheckDeploymentSpec(spec(java, archive(t, 0o100644, "src/src/A.class"))), "illegal file")
	torn = archive(t, 0o100644, "src/pom.xml", "src/src/A.java")
	require.ErrorContains(t, CheckDeploymentSpec(spec(java, torn[:len(torn)/2])), "unexpected EOF")
	require.NoError(t, CheckDeploymentSpec(spec(car, []byte("anything"))))
}

func archive(t testing.TB, mode int64, names ...string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	a := tar.NewWriter(z)
	for _, name := range names {
		require.NoError(t, a.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: 1, Typeflag: tar.TypeReg}))
		_, err := a.Write([]byte("x"))
		require.NoError(t, err)
	}
	require.NoError(t, a.Close())
	require.NoError(t, z.Close())
	return b.Bytes()
}
