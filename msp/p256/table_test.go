package p256

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type signature struct{ R, S *big.Int }

// both verifies by the table and by crypto/ecdsa, which must agree.
func both(t testing.TB, table *Table, digest [32]byte, r, s *big.Int) bool {
	t.Helper()
	if r.Sign() < 0 || s.Sign() < 0 {
		return false // a Check has no such numbers
	}
	return agree(t, new(Batch), []Check{{Table: table, Digest: digest, R: r.Bytes(), S: s.Bytes()}}) == 1
}

// TestWycheproof: every signature that is one in DER must be judged as the vectors say, and as crypto/ecdsa does, alone and with all others.
func TestWycheproof(t *testing.T) {
	file, err := os.Open("testdata/wycheproof.txt")
	require.NoError(t, err)
	defer file.Close()
	var table *Table
	var all []Check
	valid, invalid, beyond := 0, 0, 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case fields[0] == "#":
			continue
		case fields[0] == "key":
			pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unhex(t, fields[1]))
			require.NoError(t, err)
			table, err = NewTable(pub)
			require.NoError(t, err)
			continue
		}
		var sig signature
		if _, err := asn1.Unmarshal(unhex(t, fields[3]), &sig); err != nil {
			require.Equal(t, "invalid", fields[1], "test %s", fields[0])
			continue
		}
		digest := sha256.Sum256(unhex(t, fields[2]))
		ok := both(t, table, digest, sig.R, sig.S)
		if sig.R.Sign() >= 0 && sig.S.Sign() >= 0 {
			all = append(all, Check{Table: table, Digest: digest, R: sig.R.Bytes(), S: sig.S.Bytes()})
		}
		if ok && sig.R.Cmp(beyondOrder.big()) < 0 {
			beyond++
		}
		switch der, err := asn1.Marshal(sig); {
		case err != nil || hex.EncodeToString(der) != fields[3]:
			// What is wrong with the test's signature is its encoding.
		case fields[1] == "valid":
			valid++
			require.True(t, ok, "test %s", fields[0])
		default:
			invalid++
			require.False(t, ok, "test %s", fields[0])
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, valid, 100)
	require.Greater(t, invalid, 50)
	require.Positive(t, beyond, "signatures whose x may be r + n")
	require.GreaterOrEqual(t, agree(t, new(Batch), all), valid)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "-"))
	require.NoError(t, err)
	return b
}

func mustTable(t testing.TB, pub *ecdsa.PublicKey) *Table {
	t.Helper()
	table, err := NewTable(pub)
	require.NoError(t, err)
	return table
}

func TestOnlyPointsOfP256(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	_, err = NewTable(&key.PublicKey)
	require.ErrorContains(t, err, "not P-384")
	for _, odd := range []struct{ x, y int64 }{{0, 0}, {1, 1}, {-1, 1}} {
		_, err = NewTable(&ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(odd.x), Y: big.NewInt(odd.y)})
		require.Error(t, err)
	}
}

// FuzzVerify changes signatures at random: the table and crypto/ecdsa must agree on all.
func FuzzVerify(f *testing.F) {
	f.Add([]byte{1}, []byte("message"), []byte{}, []byte{})
	f.Add([]byte{2}, []byte("message"), []byte{1}, []byte{})
	f.Add([]byte{3}, []byte{}, []byte{}, []byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, seed, message, changeR, changeS []byte) {
		scalar := sha256.Sum256(seed)
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
		if err != nil {
			return // not a key
		}
		digest := sha256.Sum256(message)
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		require.NoError(t, err)
		r.Xor(r, new(big.Int).SetBytes(changeR))
		s.Xor(s, new(big.Int).SetBytes(changeS))
		ok := both(t, mustTable(t, &key.PublicKey), digest, r, s)
		if new(big.Int).SetBytes(changeR).Sign() == 0 && new(big.Int).SetBytes(changeS).Sign() == 0 {
			require.True(t, ok)
		}
	})
}
