// Package p256 verifies ECDSA signatures over P-256 by keys that sign again and again, about twice as fast as crypto/ecdsa: multiples of
// the public key are computed once and kept, so that a verification only adds points.
//
// A Table answers exactly as crypto/ecdsa.Verify does; tests hold one against the other, with Wycheproof's vectors among others. Its time
// depends on its inputs, which are public: it must not be used for anything secret. Points are filippo.io/nistec's, whose addition is complete, so
// no input needs care.
package p256

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"math/big"
	"sync"

	"filippo.io/nistec"
)

// Width of the digits, in bits, that a scalar is cut into: a table has ⌈256/w⌉ rows of 2^(w-1) points.
const (
	keyWidth  = 7  // 37 rows, 2368 points, 222 KiB
	baseWidth = 10 // 26 rows, 13312 points, 1.2 MiB, once per process
)

// TableSize is the memory that a Table takes, in bytes.
const TableSize = ((256 + keyWidth - 1) / keyWidth) << (keyWidth - 1) * 96

// Table verifies signatures of one public key. It is immutable, and safe for concurrent use.
type Table struct{ key *multiples }

// NewTable computes the table of pub, which takes as long as some twenty verifications. The error says that pub is no point of P-256.
func NewTable(pub *ecdsa.PublicKey) (*Table, error) {
	if pub.Curve != elliptic.P256() {
		return nil, fmt.Errorf("a table is for keys on P-256, not %s", pub.Curve.Params().Name)
	}
	encoded, err := pub.Bytes()
	if err != nil {
		return nil, err
	}
	point, err := nistec.NewP256Point().SetBytes(encoded)
	if err != nil {
		return nil, err
	}
	return &Table{key: newMultiples(point, keyWidth)}, nil
}

// Verify says whether (r, s) is the key's signature of digest, of which it takes the first 32 bytes.
func (t *Table) Verify(digest []byte, r, s *big.Int) bool {
	order := elliptic.P256().Params().N
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(order) >= 0 || s.Cmp(order) >= 0 {
		return false
	}
	e := new(big.Int).SetBytes(digest[:min(len(digest), 32)])
	inverse := new(big.Int).ModInverse(s, order)
	u1 := e.Mul(e, inverse)
	u2 := inverse.Mul(inverse, r)
	sum := nistec.NewP256Point()
	generator().addTo(sum, u1.Mod(u1, order))
	t.key.addTo(sum, u2.Mod(u2, order))
	x, err := sum.BytesX() // fails for the point at infinity
	if err != nil {
		return false
	}
	v := u1.SetBytes(x)
	return v.Mod(v, order).Cmp(r) == 0
}

// generator is the table of the curve's base point.
var generator = sync.OnceValue(func() *multiples {
	return newMultiples(nistec.NewP256Point().SetGenerator(), baseWidth)
})

// multiples are d·2^(w·j)·P of a point P, for each row j and digit d from 1 to 2^(w-1).
type multiples struct {
	width int
	rows  [][]nistec.P256Point
}

func newMultiples(p *nistec.P256Point, width int) *multiples {
	m := &multiples{width: width, rows: make([][]nistec.P256Point, (256+width-1)/width)}
	first := nistec.NewP256Point().Set(p)
	for j := range m.rows {
		row := make([]nistec.P256Point, 1<<(width-1))
		row[0].Set(first)
		for d := 1; d < len(row); d++ {
			row[d].Add(&row[d-1], first)
		}
		m.rows[j] = row
		first = first.Double(&row[len(row)-1])
	}
	return m
}

// addTo adds k·P to sum, k being below the order of the curve. Digits lie between -2^(w-1) and 2^(w-1): one that would be greater borrows
// from the next row. The topmost row has room for what is borrowed from it, since w does not divide 256 there.
func (m *multiples) addTo(sum *nistec.P256Point, k *big.Int) {
	var scalar [32]byte
	k.FillBytes(scalar[:])
	half, carry := 1<<(m.width-1), 0
	negated := nistec.NewP256Point()
	for j, row := range m.rows {
		digit := bits(&scalar, j*m.width, m.width) + carry
		carry = 0
		if digit > half {
			digit, carry = digit-2*half, 1
		}
		switch {
		case digit > 0:
			sum.Add(sum, &row[digit-1])
		case digit < 0:
			sum.Add(sum, negated.Negate(&row[-digit-1]))
		}
	}
}

// bits are n bits of a big-endian number, the lowest of them at position from.
func bits(number *[32]byte, from, n int) int {
	value := 0
	for i := min(from+n, 256) - 1; i >= from; i-- {
		value = value<<1 | int(number[31-i/8]>>(i%8)&1)
	}
	return value
}
