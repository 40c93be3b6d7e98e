package p256

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"filippo.io/nistec"
	"github.com/stretchr/testify/require"
)

type signature struct{ R, S *big.Int }

// both verifies by the table and by crypto/ecdsa, which must agree.
func both(t testing.TB, table *Table, pub *ecdsa.PublicKey, digest []byte, r, s *big.Int) bool {
	t.Helper()
	want := ecdsa.Verify(pub, digest, r, s)
	require.Equal(t, want, table.Verify(digest, r, s), "r %x, s %x, digest %x", r, s, digest)
	return want
}

// TestWycheproof: every signature that is one in DER must be judged as the vectors say, and as crypto/ecdsa does.
func TestWycheproof(t *testing.T) {
	file, err := os.Open("testdata/wycheproof.txt")
	require.NoError(t, err)
	defer file.Close()
	var pub *ecdsa.PublicKey
	var table *Table
	valid, invalid := 0, 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case fields[0] == "#":
			continue
		case fields[0] == "key":
			pub, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unhex(t, fields[1]))
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
		ok := both(t, table, pub, digest[:], sig.R, sig.S)
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
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "-"))
	require.NoError(t, err)
	return b
}

// TestMultiples holds the multiples of a point against crypto/elliptic's, for scalars whose digits borrow everywhere or nowhere.
func TestMultiples(t *testing.T) {
	order := elliptic.P256().Params().N
	scalars := []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int).Sub(order, big.NewInt(1)), new(big.Int).Rsh(order, 1)}
	for bit := range 256 {
		k := new(big.Int).Lsh(big.NewInt(1), uint(bit))
		scalars = append(scalars, k, new(big.Int).Sub(k, big.NewInt(1)))
	}
	for range 100 {
		k, err := rand.Int(rand.Reader, order)
		require.NoError(t, err)
		scalars = append(scalars, k)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	table := mustTable(t, &key.PublicKey)
	for _, k := range scalars {
		k = new(big.Int).Mod(k, order)
		var want, got [2]string
		for i, m := range []*multiples{generator(), table.key} {
			one := m.rows[0][0]
			sum := nistec.NewP256Point()
			m.addTo(sum, k)
			got[i] = hex.EncodeToString(sum.Bytes())
			product, err := nistec.NewP256Point().ScalarMult(&one, k.FillBytes(make([]byte, 32)))
			require.NoError(t, err)
			want[i] = hex.EncodeToString(product.Bytes())
		}
		require.Equal(t, want, got, "scalar %x", k)
	}
}

func mustTable(t testing.TB, pub *ecdsa.PublicKey) *Table {
	t.Helper()
	table, err := NewTable(pub)
	require.NoError(t, err)
	return table
}

func TestOnlyP256(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	_, err = NewTable(&key.PublicKey)
	require.ErrorContains(t, err, "not P-384")
}

// FuzzVerify changes signatures, digests and keys at random: the table and crypto/ecdsa must agree on all.
func FuzzVerify(f *testing.F) {
	f.Add([]byte{1}, []byte("message"), []byte{}, []byte{})
	f.Add([]byte{2}, []byte("message"), []byte{1}, []byte{})
	f.Add([]byte{3}, []byte("a digest that is longer than a scalar of this curve may be"), []byte{}, []byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, seed, digest, changeR, changeS []byte) {
		scalar := sha256.Sum256(seed)
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
		if err != nil {
			return // not a key
		}
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		require.NoError(t, err)
		r.Xor(r, new(big.Int).SetBytes(changeR))
		s.Xor(s, new(big.Int).SetBytes(changeS))
		ok := both(t, mustTable(t, &key.PublicKey), &key.PublicKey, digest, r, s)
		if new(big.Int).SetBytes(changeR).Sign() == 0 && new(big.Int).SetBytes(changeS).Sign() == 0 {
			require.True(t, ok)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	digest := sha256.Sum256([]byte("message"))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	require.NoError(b, err)
	table := mustTable(b, &key.PublicKey)
	for name, verify := range map[string]func() bool{
		"table": func() bool { return table.Verify(digest[:], r, s) },
		"ecdsa": func() bool { return ecdsa.Verify(&key.PublicKey, digest[:], r, s) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !verify() {
					b.Fatal("not verified")
				}
			}
		})
	}
	b.Run(fmt.Sprintf("making a table of %d KiB", TableSize>>10), func(b *testing.B) {
		for b.Loop() {
			_ = mustTable(b, &key.PublicKey)
		}
	})
}
