package client

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		`Zoë's "key" \x1b, 漢字 ✓`:           `Zoë's "key" \x1b, 漢字 ✓`,
		"\x1b[2J\rcode\tVALID\nx\x00\x7f":  `\x1b[2J\rcode\tVALID\nx\x00\x7f`,
		"a\u009b1m\u202eb\u2028\xff\ufffd": `a\u009b1m\u202eb\u2028\xff` + "\ufffd",
	} {
		require.Equal(t, want, Printable(text))
		require.Equal(t, want, Printable(want))
	}
}

// TestDifferencesSteerNoTerminal: names of namespaces, events and metadata are as a peer sent them.
func TestDifferencesSteerNoTerminal(t *testing.T) {
	const evil = "\x1b[2J\nkv"
	_, all := difference(
		payload(t, evil, "a", nil, func(b *rwset.Builder) {
			b.Write(evil, "a", []byte("1"))
			b.WriteMetadata(evil, "a", map[string][]byte{evil: nil})
		}),
		payload(t, "1.0", "a", nil, func(*rwset.Builder) {}))
	require.Equal(t, []Difference{
		{"chaincode", `kv:\x1b[2J\nkv`, "kv:1.0"},
		{`chaincode \x1b[2J\nkv, key "a", metadata written`, `\x1b[2J\nkv="" `, "nothing"},
		{`chaincode \x1b[2J\nkv, key "a", written`, `"1"`, "nothing"},
	}, all)
}
