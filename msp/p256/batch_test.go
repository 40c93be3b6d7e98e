package p256

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// signer is a key d·G, with its table.
type signer struct {
	d     *big.Int
	pub   *ecdsa.PublicKey
	table *Table
}

func newSigner(t testing.TB, d *big.Int) *signer {
	t.Helper()
	pub := timesG(t, d)
	return &signer{d: d, pub: pub, table: mustTable(t, pub)}
}

// oddSigners have keys whose multiples are among those of the generator, or its negatives.
func oddSigners(t testing.TB) (all []*signer) {
	for _, d := range []*big.Int{
		big.NewInt(1), big.NewInt(2), big.NewInt(3), new(big.Int).Lsh(big.NewInt(1), keyWidth*baseWidth), new(big.Int).Lsh(big.NewInt(1), 255),
	} {
		all = append(all, newSigner(t, d), newSigner(t, new(big.Int).Sub(ofCurve, d)))
	}
	return all
}

// anyR is an r that is no point's in these tests.
var anyR = big.NewInt(12345)

// check makes a signature whose verification computes u·G + v·Q. v must not be zero modulo n. It is a good one, unless that is no point.
func (s *signer) check(t testing.TB, u, v *big.Int) Check {
	k := new(big.Int).Mul(v, s.d)
	k.Add(k, u).Mod(k, ofCurve)
	if k.Sign() == 0 {
		return s.claim(u, v, anyR)
	}
	x := pointOf(t, timesG(t, k)).x
	return s.claim(u, v, new(big.Int).Mod(x.big(), ofCurve))
}

// claim makes one with the given r.
func (s *signer) claim(u, v, r *big.Int) Check {
	// e/s = u, r/s = v.
	S := new(big.Int).ModInverse(v, ofCurve)
	S.Mul(S, r).Mod(S, ofCurve)
	e := new(big.Int).Mul(u, S)
	digest := scalarOf(e.Mod(e, ofCurve))
	return Check{Table: s.table, Digest: digest.bytes(), R: r.Bytes(), S: S.Bytes()}
}

// agree verifies checks together, and each by crypto/ecdsa.
func agree(t testing.TB, b *Batch, checks []Check) (valid int) {
	t.Helper()
	b.Verify(checks)
	for i, c := range checks {
		want := ecdsa.Verify(c.Table.pub, c.Digest[:], new(big.Int).SetBytes(c.R), new(big.Int).SetBytes(c.S))
		require.Equal(t, want, c.Valid, "check %d of %d: key %x, digest %x, r %x, s %x", i, len(checks), c.Table.pub, c.Digest, c.R, c.S)
		if want {
			valid++
		}
	}
	return valid
}

// TestOddSums: keys and signatures can be chosen so that points meet themselves or their negatives anywhere in the sum, or nothing is left of it.
func TestOddSums(t *testing.T) {
	var numbers []*big.Int
	for _, shift := range []uint{0, 1, 7, 8, 10, 11, keyWidth * baseWidth, 254, 255} {
		k := new(big.Int).Lsh(big.NewInt(1), shift)
		numbers = append(numbers, k, new(big.Int).Sub(ofCurve, k))
	}
	// 1 in every row of the key's table, and of the generator's.
	for _, width := range []int{keyWidth, baseWidth} {
		k := new(big.Int)
		for from := 0; from < scalarBits; from += width {
			k.SetBit(k, from, 1)
		}
		numbers = append(numbers, k)
	}
	var b Batch
	for _, s := range oddSigners(t) {
		var checks []Check
		good := 0
		for _, v := range numbers {
			opposite := new(big.Int).Mul(v, s.d) // u·G + v·Q is nothing
			opposite.Neg(opposite).Mod(opposite, ofCurve)
			for _, u := range append([]*big.Int{new(big.Int), opposite}, numbers...) {
				if u.Cmp(opposite) != 0 {
					good++
				}
				checks = append(checks, s.check(t, u, v), s.claim(u, v, anyR))
			}
		}
		require.Equal(t, good, agree(t, &b, checks), "key %x", s.d)
		for i := range checks { // alone, most additions are made without inversions
			want := checks[i].Valid
			b.Verify(checks[i : i+1])
			require.Equal(t, want, checks[i].Valid, "check %d by key %x", i, s.d)
		}
	}
}

// TestOneOfMany: in a batch of any size each signature gets its own answer.
func TestOneOfMany(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	signers := append(oddSigners(t)[:3], newSigner(t, randomNumber(rnd)), newSigner(t, randomNumber(rnd)))
	var b Batch
	b.Verify(nil)
	for _, size := range []int{1, 2, 3, 5, together - 1, together, together + 1, 2*together + 1} {
		checks := make([]Check, size)
		for i := range checks {
			checks[i] = signers[i%len(signers)].check(t, randomNumber(rnd), randomNumber(rnd))
		}
		require.Equal(t, size, agree(t, &b, checks))
		for i := range min(size, 5) {
			digest := checks[i].Digest
			checks[i].Digest = checks[(i+1)%size].Digest
			if size == 1 {
				checks[i].Digest[5]++
			}
			require.Equal(t, size-1, agree(t, &b, checks))
			checks[i].Digest = digest
		}
	}
}

// randomNumber is from 1 to n - 1.
func randomNumber(rnd *rand.Rand) *big.Int {
	k := new(big.Int)
	for range 5 {
		k.Lsh(k, 64).Or(k, new(big.Int).SetUint64(rnd.Uint64()))
	}
	k.Mod(k, new(big.Int).Sub(ofCurve, big.NewInt(1)))
	return k.Add(k, big.NewInt(1))
}

// oddNumber is one that may give trouble as a digest or in a signature; it may be too large for either.
func oddNumber(rnd *rand.Rand) *big.Int {
	small := big.NewInt(int64(rnd.IntN(4)))
	switch rnd.IntN(6) {
	case 0:
		return small
	case 1:
		return small.Sub(ofCurve, small)
	case 2:
		return small.Add(ofCurve, small)
	case 3:
		return small.Sub(prime, small)
	case 4:
		return small.Lsh(small, uint(rnd.IntN(260)))
	}
	return small.Sub(new(big.Int).Lsh(big.NewInt(1), 256), small)
}

// FuzzBatch mixes good, changed and odd signatures by ordinary and odd keys.
func FuzzBatch(f *testing.F) {
	odd := oddSigners(f)
	for seed := range uint64(8) {
		f.Add(seed, uint8(9*seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, size uint8) {
		rnd := rand.New(rand.NewPCG(seed, uint64(size)))
		signers := []*signer{odd[rnd.IntN(len(odd))], newSigner(t, randomNumber(rnd)), odd[rnd.IntN(len(odd))]}
		checks := make([]Check, size%100)
		for i := range checks {
			s, c := signers[rnd.IntN(len(signers))], &checks[i]
			u, v := randomNumber(rnd), randomNumber(rnd)
			switch rnd.IntN(10) {
			case 0:
				u = oddNumber(rnd)
			case 1:
				u, v = oddNumber(rnd), oddNumber(rnd)
			}
			if new(big.Int).Mod(v, ofCurve).Sign() == 0 {
				v.SetInt64(1)
			}
			*c = s.check(t, u, v)
			switch rnd.IntN(20) {
			case 0:
				c.Digest[rnd.IntN(32)] ^= 1 << rnd.IntN(8)
			case 1:
				e := scalarOf(new(big.Int).Mod(oddNumber(rnd), two256))
				c.Digest = e.bytes()
			case 2:
				c.R = oddNumber(rnd).Bytes()
			case 3:
				c.S = oddNumber(rnd).Bytes()
			case 4:
				c.R, c.S = c.S, c.R
			case 5:
				c.R[rnd.IntN(len(c.R))] ^= 1 << rnd.IntN(8)
			case 6:
				c.S = new(big.Int).Sub(ofCurve, new(big.Int).SetBytes(c.S)).Bytes() // as good as before
			case 7:
				c.R = append([]byte{0, 0}, c.R...)
			case 8:
				c.Table = signers[rnd.IntN(len(signers))].table
			}
		}
		var b Batch
		agree(t, &b, checks)
		agree(t, &b, checks)
	})
}

// BenchmarkVerify takes the time per signature by crypto/ecdsa, and by tables in batches of several sizes.
func BenchmarkVerify(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	signers := []*signer{newSigner(b, randomNumber(rnd)), newSigner(b, randomNumber(rnd)), newSigner(b, randomNumber(rnd))}
	checks := make([]Check, 64)
	for i := range checks {
		checks[i] = signers[i%len(signers)].check(b, randomNumber(rnd), randomNumber(rnd))
	}
	run := func(name string, n int, verify func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verify()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/signature")
		})
	}
	r, s := new(big.Int).SetBytes(checks[0].R), new(big.Int).SetBytes(checks[0].S)
	run("ecdsa", 1, func() { ecdsa.Verify(signers[0].pub, checks[0].Digest[:], r, s) })
	for _, n := range []int{1, 2, 4, 16, 64} {
		var batch Batch
		run(fmt.Sprintf("batch of %d", n), n, func() { batch.Verify(checks[:n]) })
	}
}

func BenchmarkTable(b *testing.B) {
	pub := newSigner(b, big.NewInt(12345)).pub
	b.Run(fmt.Sprintf("of a key, %d KiB", TableSize>>10), func(b *testing.B) {
		for b.Loop() {
			_ = mustTable(b, pub)
		}
	})
	b.Run(fmt.Sprintf("of the generator, %d KiB", count(baseWidth)*64>>10), func(b *testing.B) {
		for b.Loop() {
			newMultiples(&generator().rows[0][0], baseWidth)
		}
	})
}
