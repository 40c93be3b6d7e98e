package kit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Answer is what Fabric 1.4.12 said to a request.
type Answer struct{ Name, Text string }

// ParseAnswers reads a file of answers: a comment, then per request its name, its answer, and an empty line.
func ParseAnswers(file string) []Answer {
	var all []Answer
	for _, entry := range strings.Split(strings.TrimSpace(file), "\n\n")[1:] {
		name, text, _ := strings.Cut(entry, "\n")
		all = append(all, Answer{name, text})
	}
	return all
}

// libraryWords stands in an answer for a text of Fabric's protobuf library, which need not be ours; nothing after it is compared.
const libraryWords = "(what the protobuf library says)"

// Equal holds an answer of ours against Fabric's.
func (a Answer) Equal(t testing.TB, got string) {
	t.Helper()
	want := a.Text
	if before, _, ok := strings.Cut(want, libraryWords); ok {
		want, got = before, got[:min(len(before), len(got))]
	}
	require.Equal(t, want, got)
}
