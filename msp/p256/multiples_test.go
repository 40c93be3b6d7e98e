package p256

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// timesG is k·G by crypto/ecdsa, for a k of at least 1 modulo n.
func timesG(t testing.TB, k *big.Int) *ecdsa.PublicKey {
	t.Helper()
	k = new(big.Int).Mod(k, ofCurve)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), k.FillBytes(make([]byte, 32)))
	require.NoError(t, err)
	return &key.PublicKey
}

func pointOf(t testing.TB, pub *ecdsa.PublicKey) point {
	t.Helper()
	b, err := pub.Bytes()
	require.NoError(t, err)
	return *newPoint(b[1:33], b[33:])
}

// affine is the same point.
func (p *projective) affine() (a point) {
	var z, z2 element
	z.invert(&p.z)
	z2.square(&z)
	a.x.mul(&p.x, &z2)
	a.y.mul(&p.y, &z2)
	a.y.mul(&a.y, &z)
	return a
}

// TestRows looks at every point of tables of odd and even widths, one of which divides the length of scalars.
func TestRows(t *testing.T) {
	for _, width := range []int{2, 5, keyWidth} {
		k, err := rand.Int(rand.Reader, ofCurve)
		require.NoError(t, err)
		p := pointOf(t, timesG(t, k))
		m := newMultiples(&p, width)
		n := 0
		for j, row := range m.rows {
			n += len(row)
			for d := range row {
				multiple := new(big.Int).Lsh(big.NewInt(int64(d+1)), uint(width*j))
				require.Equal(t, pointOf(t, timesG(t, multiple.Mul(multiple, k))), row[d], "width %d, row %d, digit %d", width, j, d+1)
			}
		}
		require.Equal(t, count(width), n)
	}
	require.EqualValues(t, TableSize, count(keyWidth)*int(unsafe.Sizeof(point{})))
}

// TestPick adds up the points that stand for a scalar, for scalars whose digits borrow everywhere or nowhere.
func TestPick(t *testing.T) {
	scalars := []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int).Sub(ofCurve, big.NewInt(1)), new(big.Int).Rsh(ofCurve, 1)}
	for bit := range 256 {
		k := new(big.Int).Lsh(big.NewInt(1), uint(bit))
		scalars = append(scalars, k, new(big.Int).Sub(k, big.NewInt(1)), new(big.Int).Sub(ofCurve, k))
	}
	for range 100 {
		k, err := rand.Int(rand.Reader, ofCurve)
		require.NoError(t, err)
		scalars = append(scalars, k)
	}
	five := newMultiples(&generator().rows[0][0], 5) // divides the length of scalars
	for _, m := range []*multiples{generator(), five} {
		require.Empty(t, m.pick(nil, &scalar{}))
		for _, k := range scalars {
			if k.Sign() <= 0 || k.Cmp(ofCurve) >= 0 {
				continue
			}
			s := scalarOf(k)
			points := m.pick(nil, &s)
			require.LessOrEqual(t, len(points), len(m.rows))
			sum := projective{points[0].x, points[0].y, one}
			for _, p := range points[1:] {
				require.True(t, sum.add(&p), "scalar %x", k)
			}
			require.Equal(t, pointOf(t, timesG(t, k)), sum.affine(), "scalar %x", k)
		}
	}
}

func TestAdditionsThatCannotBe(t *testing.T) {
	p := generator().rows[0][0]
	negative := p
	negative.y.negate(1<<64 - 1)
	for _, q := range []point{p, negative} {
		sum := projective{p.x, p.y, one}
		require.False(t, sum.add(&q))
	}
}
