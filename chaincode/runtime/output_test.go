package runtime

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	var got []string
	l := &lines{emit: func(line string) { got = append(got, line) }}
	for _, piece := range []string{"one\ntw", "o\r\n", "\n\nthree"} {
		n, err := l.Write([]byte(piece))
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	l.flush()
	require.Equal(t, []string{"one", "two", "three"}, got)

	got = nil
	_, err := l.Write([]byte(strings.Repeat("x", 3*maxLine+1) + "\n"))
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Len(t, got[0], maxLine)
	require.Len(t, got[3], 1)
}
