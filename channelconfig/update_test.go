package channelconfig

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// TestUpdates runs testdata/updates.txt. Trees are written one element to a line:
//
//	group /Channel/Orderer v=1 mod=Admins
//	value /Channel/Orderer/BatchSize v=0 mod=Admins =text
//	policy /Channel/Admins v=0 mod=Admins =accept
//
// A policy is accept, reject, or an implicit meta rule such as ANY:Admins. "config" sets the current tree, "update" applies an update whose
// elements are marked read or write, and prints the next tree or the error.
func TestUpdates(t *testing.T) {
	var current *Bundle
	datadriven.RunTest(t, "testdata/updates.txt", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "config":
			current = bundleOf(t, parseTree(t, strings.Split(d.Input, "\n")))
			return "ok\n"
		case "update":
			update := &commonpb.ConfigUpdate{ChannelId: "ch"}
			d.MaybeScanArgs(t, "channel", &update.ChannelId)
			var read, write []string
			for _, line := range strings.Split(d.Input, "\n") {
				if rest, ok := strings.CutPrefix(line, "read "); ok {
					read = append(read, rest)
				} else if rest, ok := strings.CutPrefix(line, "write "); ok {
					write = append(write, rest)
				}
			}
			update.ReadSet, update.WriteSet = parseTree(t, read), parseTree(t, write)
			env := updateEnvelope(update)
			before := proto.Clone(current.config)
			ce, err := current.ProposeUpdate(env)
			require.True(t, proto.Equal(before, current.config), "the current tree was changed")
			if err != nil {
				return err.Error() + "\n"
			}
			require.NoError(t, current.Validate(ce))
			ce.Config.ChannelGroup.Version += 7
			require.EqualError(t, current.Validate(ce), "ConfigEnvelope LastUpdate did not produce the supplied config result")
			ce.Config.ChannelGroup.Version -= 7
			var lines []string
			printTree(ce.Config.ChannelGroup, "/Channel", &lines)
			return fmt.Sprintf("sequence %d\n%s\n", ce.Config.Sequence, strings.Join(lines, "\n"))
		}
		t.Fatalf("unknown command %s", d.Cmd)
		return ""
	})
}

// bundleOf makes a bundle that has policies and a tree, and nothing else.
func bundleOf(t *testing.T, root *commonpb.ConfigGroup) *Bundle {
	p, err := newPolicies(root, msp.NewManager())
	require.NoError(t, err)
	require.NoError(t, checkKeys(root))
	return &Bundle{channelID: "ch", config: &commonpb.Config{Sequence: 4, ChannelGroup: root}, policies: p}
}

func updateEnvelope(update *commonpb.ConfigUpdate) *commonpb.Envelope {
	return envelopeOf(commonpb.HeaderType_CONFIG_UPDATE, update.ChannelId, &commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(update)})
}

func envelopeOf(kind commonpb.HeaderType, channelID string, data proto.Message) *commonpb.Envelope {
	return &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{
		Header: &commonpb.Header{ChannelHeader: wire.MustMarshal(&commonpb.ChannelHeader{Type: int32(kind), ChannelId: channelID})},
		Data:   wire.MustMarshal(data),
	})}
}

func parseTree(t *testing.T, lines []string) *commonpb.ConfigGroup {
	var root *commonpb.ConfigGroup
	for _, line := range lines {
		var version uint64
		var mod, content string
		words := strings.Fields(line)
		for _, w := range words[2:] {
			if v, ok := strings.CutPrefix(w, "v="); ok {
				_, err := fmt.Sscan(v, &version)
				require.NoError(t, err)
			} else if m, ok := strings.CutPrefix(w, "mod="); ok {
				mod = m
			} else {
				content = strings.TrimPrefix(w, "=")
			}
		}
		path := strings.Split(words[1], "/")[2:]
		if len(path) == 0 {
			root = &commonpb.ConfigGroup{Version: version, ModPolicy: mod}
			continue
		}
		parent := root
		for _, name := range path[:len(path)-1] {
			parent = parent.Groups[name]
			require.NotNil(t, parent, line)
		}
		name := path[len(path)-1]
		switch words[0] {
		case "group":
			put(&parent.Groups, name, &commonpb.ConfigGroup{Version: version, ModPolicy: mod})
		case "value":
			put(&parent.Values, name, &commonpb.ConfigValue{Version: version, ModPolicy: mod, Value: []byte(content)})
		case "policy":
			put(&parent.Policies, name, &commonpb.ConfigPolicy{Version: version, ModPolicy: mod, Policy: policyOf(content)})
		default:
			t.Fatalf("what is %s?", line)
		}
	}
	return root
}

func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

func policyOf(text string) *commonpb.Policy {
	switch text {
	case "":
		return nil
	case "accept":
		return &commonpb.Policy{Type: 1, Value: wire.MustMarshal(policy.AcceptAll())}
	case "reject":
		return &commonpb.Policy{Type: 1, Value: wire.MustMarshal(policy.RejectAll())}
	}
	rule, sub, _ := strings.Cut(text, ":")
	return &commonpb.Policy{Type: 3, Value: wire.MustMarshal(&commonpb.ImplicitMetaPolicy{
		Rule: commonpb.ImplicitMetaPolicy_Rule(commonpb.ImplicitMetaPolicy_Rule_value[rule]), SubPolicy: sub,
	})}
}

func printTree(g *commonpb.ConfigGroup, path string, lines *[]string) {
	*lines = append(*lines, fmt.Sprintf("group %s v=%d mod=%s", path, g.Version, g.ModPolicy))
	var below []string
	for k, v := range g.Values {
		below = append(below, fmt.Sprintf("value %s/%s v=%d mod=%s =%s", path, k, v.Version, v.ModPolicy, v.Value))
	}
	for k, p := range g.Policies {
		below = append(below, fmt.Sprintf("policy %s/%s v=%d mod=%s", path, k, p.Version, p.ModPolicy))
	}
	sort.Strings(below)
	*lines = append(*lines, below...)
	for _, k := range sortedKeys(g.Groups) {
		printTree(g.Groups[k], path+"/"+k, lines)
	}
}

func TestUpdateEnvelopes(t *testing.T) {
	b := bundleOf(t, parseTree(t, []string{"group /Channel v=0 mod=Admins", "policy /Channel/Admins mod=Admins =accept"}))
	for want, env := range map[string]*commonpb.Envelope{
		"error converting envelope to config update: envelope must have a Header":                                 {},
		"error converting envelope to config update: error unmarshaling Payload":                                  {Payload: []byte{0xff}},
		"error converting envelope to config update: invalid type MESSAGE, expected CONFIG_UPDATE":                envelopeOf(commonpb.HeaderType_MESSAGE, "ch", &commonpb.Envelope{}),
		"error authorizing update: error unmarshaling ConfigUpdate":                                               envelopeOf(commonpb.HeaderType_CONFIG_UPDATE, "ch", &commonpb.ConfigUpdateEnvelope{ConfigUpdate: []byte{0xff}}),
		"error authorizing update: ConfigUpdate for channel 'other' but envelope for channel 'ch'":                updateEnvelope(&commonpb.ConfigUpdate{ChannelId: "other"}),
		"error authorizing update: error validating DeltaSet: delta set was empty -- update would have no effect": updateEnvelope(&commonpb.ConfigUpdate{ChannelId: "ch"}),
		"error authorizing update: signature 0: error unmarshaling SignatureHeader": envelopeOf(commonpb.HeaderType_CONFIG_UPDATE, "ch", &commonpb.ConfigUpdateEnvelope{
			ConfigUpdate: wire.MustMarshal(&commonpb.ConfigUpdate{ChannelId: "ch"}), Signatures: []*commonpb.ConfigSignature{{SignatureHeader: []byte{0xff}}},
		}),
	} {
		_, err := b.ProposeUpdate(env)
		require.ErrorContains(t, err, want)
	}
	_, err := b.ProposeUpdate(nil)
	require.Error(t, err)
	require.EqualError(t, b.Validate(nil), "config envelope is nil")
	require.EqualError(t, b.Validate(&commonpb.ConfigEnvelope{}), "config envelope has nil config")
	require.EqualError(t, b.Validate(&commonpb.ConfigEnvelope{Config: &commonpb.Config{Sequence: 9}}), "config currently at sequence 4, cannot validate config at sequence 9")
	require.Error(t, b.Validate(&commonpb.ConfigEnvelope{Config: &commonpb.Config{Sequence: 5}}))
}
