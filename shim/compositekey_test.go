package shim

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestCompositeKeys(t *testing.T) {
	stub := &ChaincodeStub{}
	key, err := stub.CreateCompositeKey("owner~id", []string{"alice", "", "ü"})
	require.NoError(t, err)
	require.Equal(t, "\x00owner~id\x00alice\x00\x00ü\x00", key)
	objectType, attributes, err := stub.SplitCompositeKey(key)
	require.NoError(t, err)
	require.Equal(t, "owner~id", objectType)
	require.Equal(t, []string{"alice", "", "ü"}, attributes)

	_, err = stub.CreateCompositeKey("a\xff", nil)
	require.EqualError(t, err, "not a valid utf8 string: [61ff]")
	_, err = stub.CreateCompositeKey("a", []string{"b\x00"})
	require.EqualError(t, err, "input contain unicode U+0000 starting at position [1]. U+0000 and U+10FFFF are not allowed in the input attribute of a composite key")
	_, err = stub.CreateCompositeKey("a", []string{"\U0010ffff"})
	require.ErrorContains(t, err, "starting at position [0]")
	for _, bad := range []string{"", "\x00", "simple", "\x00unfinished"} {
		_, _, err = stub.SplitCompositeKey(bad)
		require.ErrorContains(t, err, "not a composite key", "%q", bad)
	}
	require.EqualError(t, checkSimpleKeys("a", "\x00b"), "first character of the key [\x00b] contains a null character which is not allowed")
}

func FuzzCompositeKeys(f *testing.F) {
	f.Add("type", "one", "two")
	f.Add("", "", "")
	f.Add("\x00", "\xff", "\U0010ffff")
	f.Add("key", "\x00a\x00b\x00", "")
	f.Fuzz(func(t *testing.T, objectType, one, two string) {
		key, err := CreateCompositeKey(objectType, []string{one, two})
		if err == nil {
			require.True(t, utf8.ValidString(key))
			gotType, got, err := splitCompositeKey(key)
			require.NoError(t, err)
			require.Equal(t, objectType, gotType)
			require.Equal(t, []string{one, two}, got)
		}
		_, _, _ = splitCompositeKey(one) // any answer but a panic
	})
}
