package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func TestLanguage(t *testing.T) {
	datadriven.RunTest(t, "testdata/language.txt", func(t *testing.T, d *datadriven.TestData) string {
		env, err := Parse(d.Input)
		if err != nil {
			return "error: " + err.Error()
		}
		text := Format(env)
		again, err := Parse(text)
		require.NoError(t, err)
		require.True(t, proto.Equal(env, again), "%s comes back as another policy", text)
		return fmt.Sprintf("%x\n%s", wire.MustMarshal(env), text)
	})
}

func TestExpressionsThatHoldNothing(t *testing.T) {
	for _, s := range []string{"", " \t\n"} {
		_, err := Parse(s)
		require.EqualError(t, err, "Unexpected end of expression")
	}
	_, err := Parse(strings.Repeat("OR(", 100000) + "'A.member'" + strings.Repeat(")", 100000))
	require.ErrorContains(t, err, "nest deeper than")
	_, err = Parse(strings.Repeat("OR(", 100) + "'A.member'" + strings.Repeat(")", 100))
	require.NoError(t, err)
}

func TestImplicitMetaLanguage(t *testing.T) {
	for s, want := range map[string]*commonpb.ImplicitMetaPolicy{
		"ANY Readers":     {Rule: commonpb.ImplicitMetaPolicy_ANY, SubPolicy: "Readers"},
		"ALL Writers":     {Rule: commonpb.ImplicitMetaPolicy_ALL, SubPolicy: "Writers"},
		"MAJORITY Admins": {Rule: commonpb.ImplicitMetaPolicy_MAJORITY, SubPolicy: "Admins"},
	} {
		got, err := ParseImplicitMeta(s)
		require.NoError(t, err)
		require.True(t, proto.Equal(want, got))
	}
	_, err := ParseImplicitMeta("ANY of them")
	require.EqualError(t, err, "expected two space separated tokens, but got 3")
	_, err = ParseImplicitMeta("SOME Readers")
	require.EqualError(t, err, "unknown rule type 'SOME', expected ALL, ANY, or MAJORITY")
}

func TestFormatOfWhatTheLanguageCannotSay(t *testing.T) {
	require.Equal(t, "OutOf(0)", Format(AcceptAll()))
	require.Equal(t, "OutOf(1)", Format(RejectAll()))
	require.Equal(t, "<empty>", Format(nil))
	require.Equal(t, "<no identity 3>", Format(&commonpb.SignaturePolicyEnvelope{Rule: SignedBy(3)}))
	require.Equal(t, "OR('a.peer', 'b.peer')", Format(SignedByAny(Peer, []string{"b", "a"})))
	require.True(t, proto.Equal(RejectAll(), SignedByAny("boss", []string{"b", "a"})))
	var many []*commonpb.SignaturePolicy
	for range 100000 {
		many = append(many, SignedBy(0))
	}
	require.Less(t, len(Format(&commonpb.SignaturePolicyEnvelope{Rule: NOutOf(2, many...)})), 2*maxText)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"OR('A.member','B.member')", "AND('A.member', OR('B.client',\"C.peer\"))", "OutOf(2, 'A.orderer', 'B.admin')",
		"OutOf('1', 'A.member'", "(((", "'", "OutOf(-1.5e9, x)", "AND(,)", "\xff\xfe", "OR('A.member')OR('B.member')",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		env, err := Parse(s)
		if err != nil {
			return
		}
		text := Format(env)
		if len(text) > maxText {
			return
		}
		again, err := Parse(text)
		if err != nil || !proto.Equal(env, again) {
			t.Fatalf("%q prints as %q, which reads as %v, %v", s, text, again, err)
		}
	})
}
