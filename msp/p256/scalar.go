package p256

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// scalar is a number below 2^256, as it is, in four words of which the lowest comes first.
type scalar [4]uint64

var (
	// order is n, the number of points of the curve, and orderInverse is -1/n mod 2^64.
	order = scalar{0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000}
	// orderForm is 2^512 mod n.
	orderForm = scalar{0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620}
	// beyondOrder is p - n.
	beyondOrder = scalar{0x0c46353d039cdaae, 0x4319055358e8617b}
)

const orderInverse = 0xccd1c8aaee00bc4f

// setBytes sets k to a number in big-endian bytes, and says whether it is below 2^256.
func (k *scalar) setBytes(b []byte) (ok bool) {
	for len(b) > 32 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) > 32 {
		return false
	}
	var whole [32]byte
	copy(whole[32-len(b):], b)
	for i := range k {
		k[i] = binary.BigEndian.Uint64(whole[24-8*i:])
	}
	return true
}

// bytes is the number in big-endian bytes.
func (k *scalar) bytes() (b [32]byte) {
	for i, word := range k {
		binary.BigEndian.PutUint64(b[24-8*i:], word)
	}
	return b
}

// inRange says whether the number is one that a signature may have, from 1 to n - 1.
func (k *scalar) inRange() bool { return *k != scalar{} && k.below(&order) }

// sub sets k to x - y, plus 2^256 if that borrows.
func (k *scalar) sub(x, y *scalar) (borrow uint64) {
	k[0], borrow = bits.Sub64(x[0], y[0], 0)
	k[1], borrow = bits.Sub64(x[1], y[1], borrow)
	k[2], borrow = bits.Sub64(x[2], y[2], borrow)
	k[3], borrow = bits.Sub64(x[3], y[3], borrow)
	return borrow
}

func (k *scalar) below(y *scalar) bool { return new(scalar).sub(k, y) != 0 }

// mul sets k to x·y/2^256 mod n. One of x and y must be below n.
func (k *scalar) mul(x, y *scalar) {
	// As element.mul does it. The result is (x·y + m·n)/2^256 for an m below 2^256, so below 2n; on the way t stays below 2^258.
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var t0, t1, t2, t3, t4 uint64
	for _, word := range y {
		u0, u1, u2, u3, u4 := times(x0, x1, x2, x3, word)
		v0, v1, v2, v3, v4, v5 := plus(t0, t1, t2, t3, t4, u0, u1, u2, u3, u4)
		u0, u1, u2, u3, u4 = times(order[0], order[1], order[2], order[3], v0*orderInverse)
		_, t0, t1, t2, t3, t4 = plus(v0, v1, v2, v3, v4, u0, u1, u2, u3, u4)
		t4 += v5
	}
	t := scalar{t0, t1, t2, t3}
	if borrow := k.sub(&t, &order); borrow > t4 {
		*k = t
	}
}

// inverse is 1/k modulo a prime, of which k must be no multiple.
func (k *scalar) inverse(modulo *big.Int) (z scalar) {
	b := k.bytes()
	x := new(big.Int).SetBytes(b[:])
	x.ModInverse(x, modulo).FillBytes(b[:])
	z.setBytes(b[:])
	return z
}
