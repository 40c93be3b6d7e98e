package p256

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	prime   = elliptic.P256().Params().P
	ofCurve = elliptic.P256().Params().N
	two256  = new(big.Int).Lsh(big.NewInt(1), 256)
	two512  = new(big.Int).Lsh(big.NewInt(1), 512)
)

func scalarOf(x *big.Int) (k scalar) {
	k.setBytes(x.Bytes())
	return k
}

func (k *scalar) big() *big.Int {
	b := k.bytes()
	return new(big.Int).SetBytes(b[:])
}

// elementOf is x in Montgomery's form, by math/big.
func elementOf(x *big.Int) element {
	x = new(big.Int).Mul(x, two256)
	return element(scalarOf(x.Mod(x, prime)))
}

// big is the number that z stands for, by math/big.
func (z *element) big() *big.Int {
	x := (*scalar)(z).big()
	x.Mul(x, new(big.Int).ModInverse(two256, prime))
	return x.Mod(x, prime)
}

// wordy are numbers below bound whose words provoke carries, and bound's neighbours.
func wordy(bound *big.Int) (all []*big.Int) {
	words := []uint64{0, 1<<32 - 1, 1<<64 - 1<<32 + 1, 1<<64 - 1}
	for i := range 256 {
		k := scalar{words[i%4], words[i/4%4], words[i/16%4], words[i/64]}
		if x := k.big(); x.Cmp(bound) < 0 {
			all = append(all, x)
		}
	}
	for d := range 5 {
		all = append(all, new(big.Int).Sub(bound, big.NewInt(int64(d+1))), new(big.Int).Rsh(bound, uint(d+1)))
	}
	return all
}

func TestConstants(t *testing.T) {
	n := order.big()
	require.Equal(t, ofCurve, n)
	require.Equal(t, elementOf(big.NewInt(1)), one)
	require.Equal(t, elementOf(two256), toForm)
	require.Equal(t, elementOf(two512), toFormInverse)
	require.Equal(t, new(big.Int).Mod(two512, n), orderForm.big())
	require.Equal(t, new(big.Int).Sub(prime, n), beyondOrder.big())
	require.Equal(t, uint64(1<<64-1), order[0]*orderInverse)
}

// checkElements holds the arithmetic on Montgomery forms x and y, which must be below p, against math/big.
func checkElements(t testing.TB, x, y element) {
	a, b, c := x.big(), y.big(), new(big.Int)
	var z element
	z.mul(&x, &y)
	require.Equal(t, elementOf(c.Mul(a, b)), z, "%x times %x", x, y)
	z.square(&x)
	require.Equal(t, elementOf(c.Mul(a, a)), z, "%x squared", x)
	z.add(&x, &y)
	require.Equal(t, elementOf(c.Add(a, b)), z, "%x plus %x", x, y)
	z.sub(&x, &y)
	require.Equal(t, elementOf(c.Sub(a, b)), z, "%x minus %x", x, y)
	if !x.isZero() {
		z = x
		z.negate(0)
		require.Equal(t, x, z)
		z.negate(1<<64 - 1)
		require.Equal(t, elementOf(c.Neg(a)), z, "minus %x", x)
		z.invert(&x)
		require.Equal(t, elementOf(c.ModInverse(a, prime)), z, "inverse of %x", x)
	}
}

// checkScalars does so for numbers modulo n, of which y is below n.
func checkScalars(t testing.TB, x, y scalar) {
	a, b, c := x.big(), y.big(), new(big.Int)
	c.Mul(a, b).Mul(c, new(big.Int).ModInverse(two256, ofCurve)).Mod(c, ofCurve)
	var z scalar
	z.mul(&x, &y)
	require.Equal(t, scalarOf(c), z, "%x times %x", x, y)
	z.mul(&y, &x)
	require.Equal(t, scalarOf(c), z, "%x times %x", y, x)
	require.Equal(t, a.Cmp(b) < 0, x.below(&y))
	require.Equal(t, a.Sign() > 0 && a.Cmp(ofCurve) < 0, x.inRange())
}

// TestArithmetic goes through all pairs of awkward numbers.
func TestArithmetic(t *testing.T) {
	t.Run("elements", func(t *testing.T) {
		numbers := wordy(prime)
		for i, x := range numbers {
			for _, y := range numbers[:i+1] {
				checkElements(t, element(scalarOf(x)), element(scalarOf(y)))
			}
		}
	})
	t.Run("scalars", func(t *testing.T) {
		for _, x := range wordy(two256) {
			for _, y := range wordy(ofCurve) {
				checkScalars(t, scalarOf(x), scalarOf(y))
			}
		}
	})
}

func FuzzArithmetic(f *testing.F) {
	f.Add([]byte{1}, []byte{2})
	f.Add(prime.Bytes(), ofCurve.Bytes())
	f.Fuzz(func(t *testing.T, xs, ys []byte) {
		x := new(big.Int).SetBytes(xs[:min(32, len(xs))])
		y := new(big.Int).SetBytes(ys[:min(32, len(ys))])
		mod := func(v, m *big.Int) *big.Int { return new(big.Int).Mod(v, m) }
		checkElements(t, element(scalarOf(mod(x, prime))), element(scalarOf(mod(y, prime))))
		checkScalars(t, scalarOf(x), scalarOf(mod(y, ofCurve)))
	})
}

func TestNumbersInBytes(t *testing.T) {
	var k scalar
	require.True(t, k.setBytes(nil))
	require.Equal(t, scalar{}, k)
	require.True(t, k.setBytes(append([]byte{0, 0}, bytes.Repeat([]byte{0xff}, 32)...)))
	require.Equal(t, scalar{1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1}, k)
	require.False(t, k.setBytes(append([]byte{1}, make([]byte, 32)...)))
}

func TestInverses(t *testing.T) {
	v := &inverses{}
	for _, n := range []int{1, 2, 7} {
		v.reset()
		var of []*big.Int
		for range n {
			x, err := rand.Int(rand.Reader, prime)
			require.NoError(t, err)
			of = append(of, x)
			z := elementOf(x)
			v.push(&z)
		}
		v.invert()
		for len(of) > 0 {
			var z element
			v.pop(&z)
			require.Equal(t, elementOf(new(big.Int).ModInverse(of[len(of)-1], prime)), z)
			of = of[:len(of)-1]
		}
	}
}
