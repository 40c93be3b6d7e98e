package policy

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

const crypto = "../testdata/fabric-1.4/crypto"

// network is the MSPs and the signers of the test vectors, the latter under names such as org1.peer.
type network struct {
	ids     *msp.Manager
	signers map[string]*msp.Signer
}

func loadNetwork(t testing.TB) *network {
	t.Helper()
	n := &network{signers: map[string]*msp.Signer{}}
	var msps []*msp.MSP
	load := func(dir, id string, users map[string]string) {
		conf, err := msp.LoadDir(dir+"/msp", id)
		require.NoError(t, err)
		m, err := msp.New(conf)
		require.NoError(t, err)
		msps = append(msps, m)
		for name, user := range users {
			n.signers[name], err = msp.LoadSigner(dir+"/"+user+"/msp", id,
				msp.WithClock(func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }))
			require.NoError(t, err)
		}
	}
	for _, org := range []string{"1", "2"} {
		domain := "org" + org + ".example.com"
		load(crypto+"/peerOrganizations/"+domain, "Org"+org+"MSP", map[string]string{
			"org" + org + ".peer":   "peers/peer0." + domain,
			"org" + org + ".client": "users/User1@" + domain,
			"org" + org + ".admin":  "users/Admin@" + domain,
		})
	}
	load(crypto+"/ordererOrganizations/example.com", "OrdererMSP", map[string]string{
		"orderer.node":  "orderers/orderer.example.com",
		"orderer.admin": "users/Admin@example.com",
	})
	n.ids = msp.NewManager(msps...)
	return n
}

// sign returns signatures by names such as "org1.peer", "bad:org1.peer" (over something else) and "stranger:…" (an MSP
// that nobody knows).
func (n *network) sign(t testing.TB, names ...string) []SignedData {
	t.Helper()
	var signed []SignedData
	for i, name := range names {
		data := fmt.Appendf(nil, "data %d", i)
		fault, who, ok := strings.Cut(name, ":")
		if !ok {
			fault, who = "", name
		}
		signer := n.signers[who]
		require.NotNil(t, signer, name)
		signature, err := signer.Sign(data)
		require.NoError(t, err)
		creator := signer.Creator()
		switch fault {
		case "bad":
			data = append(data, '!')
		case "stranger":
			creator = wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org9MSP", IdBytes: creator})
		}
		signed = append(signed, Remember(data, creator, signature))
	}
	return signed
}

func TestEvaluate(t *testing.T) {
	n := loadNetwork(t)
	datadriven.RunTest(t, "testdata/evaluate.txt", func(t *testing.T, d *datadriven.TestData) string {
		env, err := Parse(d.Input)
		require.NoError(t, err)
		var by []string
		for _, arg := range d.CmdArgs {
			if arg.Key == "by" {
				by = arg.Vals
			}
		}
		var out []string
		for _, mode := range []struct {
			name string
			opts []Option
		}{{"1.4", nil}, {"2.x", []Option{VerifyFirst()}}} {
			p, err := NewSignaturePolicy(env, n.ids, mode.opts...)
			require.NoError(t, err)
			signed := n.sign(t, by...)
			err = p.Evaluate(signed)
			require.Equal(t, err, p.Evaluate(signed), "again, with everything remembered")
			for i := range signed {
				signed[i].memo = nil
			}
			require.Equal(t, err, p.Evaluate(signed), "with nothing remembered")
			answer := "satisfied"
			if err != nil {
				answer = err.Error() + "\n  " + Explain(err).String()
			}
			out = append(out, mode.name+": "+answer)
		}
		if strings.TrimPrefix(out[0], "1.4") == strings.TrimPrefix(out[1], "2.x") {
			return strings.TrimPrefix(out[0], "1.4: ")
		}
		return strings.Join(out, "\n")
	})
}

func TestAcceptAndReject(t *testing.T) {
	n := loadNetwork(t)
	for _, signed := range [][]SignedData{nil, n.sign(t, "bad:org1.peer"), n.sign(t, "stranger:org1.peer"), n.sign(t, "org1.peer")} {
		p, err := NewSignaturePolicy(AcceptAll(), n.ids)
		require.NoError(t, err)
		require.NoError(t, p.Evaluate(signed))
		p, err = FromBytes(wire.MustMarshal(RejectAll()), n.ids)
		require.NoError(t, err)
		require.EqualError(t, p.Evaluate(signed), "signature set did not satisfy policy")
		require.EqualError(t, Reject("Writers").Evaluate(signed), "No such policy: 'Writers'")
	}
}

func TestEnvelopesThatDoNotCompile(t *testing.T) {
	ids := msp.NewManager()
	for text, env := range map[string]*commonpb.SignaturePolicyEnvelope{
		"Empty policy element": {},
		"identity index out of range, requested 1, but identities length is 1":  {Rule: SignedBy(1), Identities: []*msppb.MSPPrincipal{{}}},
		"identity index out of range, requested -1, but identities length is 0": {Rule: NOutOf(1, SignedBy(-1))},
		"Unknown type: <nil>:<nil>": {Rule: &commonpb.SignaturePolicy{}},
	} {
		_, err := NewSignaturePolicy(env, ids)
		require.EqualError(t, err, text)
	}
	_, err := NewSignaturePolicy(nil, ids)
	require.Error(t, err)
	_, err = FromBytes([]byte{0xff}, ids)
	require.ErrorContains(t, err, "Error unmarshaling to SignaturePolicy: ")
	_, err = FromBytes(wire.MustMarshal(&commonpb.SignaturePolicyEnvelope{Version: 1}), ids)
	require.EqualError(t, err, "This evaluator only understands messages of version 0, but version was 1")
}

func TestOutcomesAreHandedIn(t *testing.T) {
	n := loadNetwork(t)
	env, err := Parse("OR('Org1MSP.peer')")
	require.NoError(t, err)
	p, err := NewSignaturePolicy(env, n.ids)
	require.NoError(t, err)
	good := n.sign(t, "org1.peer")[0]
	require.NoError(t, good.Verify(n.ids))
	require.Error(t, p.Evaluate([]SignedData{Verified(good.Data, good.Identity, good.Signature, errors.New("bad"))}))
	require.NoError(t, p.Evaluate([]SignedData{Verified(nil, good.Identity, nil, nil)}))
	require.Error(t, SignedData{Data: good.Data, Identity: []byte("junk")}.Verify(n.ids))
}

// TestVerifyAll: what is verified together is remembered, and nothing else is.
func TestVerifyAll(t *testing.T) {
	n := loadNetwork(t)
	signed := n.sign(t, "org1.peer", "bad:org2.peer", "stranger:org1.peer", "org2.admin")
	joined := signed[0]
	joined = RememberJoined(joined.Data[:2], joined.Data[2:], joined.Identity, append([]byte{}, joined.Signature...))
	signed = append(signed, joined)
	signed[3].memo = nil
	VerifyAll(signed, n.ids)
	for i := range signed {
		signed[i].Signature[10]++ // whoever verifies it again will see
	}
	require.NoError(t, signed[0].Verify(n.ids))
	require.EqualError(t, signed[1].Verify(n.ids), "The signature is invalid")
	require.Error(t, signed[2].Verify(n.ids))
	require.EqualError(t, signed[3].Verify(n.ids), "The signature is invalid", "verified only now")
	require.NoError(t, signed[4].Verify(n.ids))
}

func TestImplicitMeta(t *testing.T) {
	n := loadNetwork(t)
	sub := func(org string) Policy {
		env, err := Parse("OR('" + org + ".admin', '" + org + ".client')")
		require.NoError(t, err)
		p, err := NewSignaturePolicy(env, n.ids)
		require.NoError(t, err)
		return p
	}
	orgs := []Policy{sub("Org1MSP"), sub("Org2MSP"), Reject("Writers")}
	for _, c := range []struct {
		rule commonpb.ImplicitMetaPolicy_Rule
		subs []Policy
		by   []string
		text string
	}{
		{commonpb.ImplicitMetaPolicy_ANY, orgs, []string{"org2.client"}, ""},
		{commonpb.ImplicitMetaPolicy_ANY, orgs, []string{"org2.peer", "bad:org1.client"},
			"implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied"},
		{commonpb.ImplicitMetaPolicy_MAJORITY, orgs, []string{"org1.client", "org2.admin"}, ""},
		{commonpb.ImplicitMetaPolicy_MAJORITY, orgs, []string{"org1.client"},
			"implicit policy evaluation failed - 1 sub-policies were satisfied, but this policy requires 2 of the 'Writers' sub-policies to be satisfied"},
		{commonpb.ImplicitMetaPolicy_ALL, orgs, []string{"org1.client", "org2.admin"},
			"implicit policy evaluation failed - 2 sub-policies were satisfied, but this policy requires 3 of the 'Writers' sub-policies to be satisfied"},
		{commonpb.ImplicitMetaPolicy_ALL, orgs[:2], []string{"org1.client", "org2.admin"}, ""},
		{commonpb.ImplicitMetaPolicy_ANY, nil, nil, ""},
		{commonpb.ImplicitMetaPolicy_ALL, nil, nil, ""},
		{commonpb.ImplicitMetaPolicy_MAJORITY, nil, nil, ""},
	} {
		p, err := NewImplicitMeta(&commonpb.ImplicitMetaPolicy{Rule: c.rule, SubPolicy: "Writers"}, c.subs)
		require.NoError(t, err)
		if err := p.Evaluate(n.sign(t, c.by...)); c.text == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, c.text)
			require.Contains(t, Explain(err).String(), " 'Writers' policies of")
			require.NotEmpty(t, Explain(err).Signers)
		}
	}
	_, err := NewImplicitMeta(&commonpb.ImplicitMetaPolicy{Rule: 7}, orgs)
	require.Error(t, err)
	_, err = NewImplicitMeta(nil, orgs)
	require.Error(t, err)
}

// TestExplainLarge: a rule of which not all is shown is still decided by all signatures.
func TestExplainLarge(t *testing.T) {
	n := loadNetwork(t)
	env, err := Parse("AND('OrdererMSP.admin', OutOf(1, 'Org1MSP.peer'" + strings.Repeat(", 'Org2MSP.admin'", maxOutcomes) + "))")
	require.NoError(t, err)
	p, err := NewSignaturePolicy(env, n.ids)
	require.NoError(t, err)
	e := Explain(p.Evaluate(n.sign(t, "org1.peer")))
	require.False(t, e.Policy.Satisfied)
	require.True(t, e.Policy.Rules[1].Satisfied)
	require.Less(t, len(e.Policy.Rules[1].Rules), maxOutcomes)
}

func FuzzFromBytes(f *testing.F) {
	n := loadNetwork(f)
	signed := n.sign(f, "org1.peer", "bad:org2.client", "org1.peer", "stranger:org2.admin")
	for _, s := range []string{"OR('Org1MSP.peer')", "AND('Org1MSP.member', OutOf(2, 'Org2MSP.client', 'OrdererMSP.admin', 'Org1MSP.peer'))"} {
		env, err := Parse(s)
		require.NoError(f, err)
		f.Add(wire.MustMarshal(env))
	}
	if b, err := os.ReadFile("../testdata/fabric-1.4/proposals/creator.pb"); err == nil {
		f.Add(wire.MustMarshal(&commonpb.SignaturePolicyEnvelope{Rule: NOutOf(1, SignedBy(0), NOutOf(0)),
			Identities: []*msppb.MSPPrincipal{{PrincipalClassification: msppb.MSPPrincipal_IDENTITY, Principal: b}}}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := FromBytes(b, n.ids)
		if err != nil {
			return
		}
		for _, signed := range [][]SignedData{signed, nil} {
			if err := p.Evaluate(signed); err != nil {
				require.False(t, Explain(err).Policy.Satisfied)
				require.Less(t, len(Explain(err).String()), 4*maxText)
			}
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	n := loadNetwork(b)
	env, err := Parse("AND('Org1MSP.peer', OR('Org2MSP.peer', 'OrdererMSP.member'))")
	require.NoError(b, err)
	p, err := NewSignaturePolicy(env, n.ids)
	require.NoError(b, err)
	b.Run("verifying", func(b *testing.B) {
		signed := n.sign(b, "org1.peer", "org2.peer")
		for i := range signed {
			signed[i].memo = nil
		}
		b.ReportAllocs()
		for b.Loop() {
			if p.Evaluate(signed) != nil {
				b.Fatal("not satisfied")
			}
		}
	})
	b.Run("verified", func(b *testing.B) {
		signed := n.sign(b, "org1.peer", "org2.peer")
		b.ReportAllocs()
		for b.Loop() {
			if p.Evaluate(signed) != nil {
				b.Fatal("not satisfied")
			}
		}
	})
}

// TestManyEvaluateAtOnce is for the race detector: one remembered signature, verified ahead and evaluated meanwhile.
func TestManyEvaluateAtOnce(t *testing.T) {
	n := loadNetwork(t)
	env, err := Parse("AND('Org1MSP.peer', 'Org2MSP.peer')")
	require.NoError(t, err)
	p, err := NewSignaturePolicy(env, n.ids)
	require.NoError(t, err)
	signed := n.sign(t, "org1.peer", "org2.peer")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			VerifyAll(signed[1:], n.ids)
			assert.NoError(t, signed[0].Verify(n.ids))
			assert.NoError(t, p.Evaluate(signed))
		})
	}
	all.Wait()
}
