package p256

import (
	"crypto/elliptic"
	"math/bits"
)

// element is an element of the field that coordinates are in, the numbers modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1. An element v is kept as
// v·2^256 mod p (Montgomery's form), below p, in four words of which the lowest comes first.
type element [4]uint64

// The words of p, of which the third is 0.
const (
	p0 = 1<<64 - 1
	p1 = 1<<32 - 1
	p3 = 1<<64 - 1<<32 + 1
)

var (
	one = element{0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe}
	// toForm and toFormInverse are 2^512 and 2^768 mod p as they are: multiplied by the first a number takes Montgomery's form, by the second
	// the inverse of a number in that form does.
	toForm        = element{0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd}
	toFormInverse = element{0xfffffffd0000000a, 0xffffffedfffffff7, 0x00000005fffffffc, 0x0000001800000001}
)

func (z *element) isZero() bool { return z[0]|z[1]|z[2]|z[3] == 0 }

// mul sets z to x·y.
func (z *element) mul(x, y *element) {
	// Four times: add x times the next word of y to t; make t (t + m·p)/2^64 with the m below 2^64 that makes that exact. t stays below 2p:
	// (2p + (2^64-1)·p + (2^64-1)·p)/2^64 = 2p.
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	t0, t1, t2, t3, t4 := times(x0, x1, x2, x3, y[0])
	t0, t1, t2, t3, t4 = divide(t0, t1, t2, t3, t4, 0)
	u0, u1, u2, u3, u4 := times(x0, x1, x2, x3, y[1])
	t0, t1, t2, t3, t4, t5 := plus(t0, t1, t2, t3, t4, u0, u1, u2, u3, u4)
	t0, t1, t2, t3, t4 = divide(t0, t1, t2, t3, t4, t5)
	u0, u1, u2, u3, u4 = times(x0, x1, x2, x3, y[2])
	t0, t1, t2, t3, t4, t5 = plus(t0, t1, t2, t3, t4, u0, u1, u2, u3, u4)
	t0, t1, t2, t3, t4 = divide(t0, t1, t2, t3, t4, t5)
	u0, u1, u2, u3, u4 = times(x0, x1, x2, x3, y[3])
	t0, t1, t2, t3, t4, t5 = plus(t0, t1, t2, t3, t4, u0, u1, u2, u3, u4)
	t0, t1, t2, t3, t4 = divide(t0, t1, t2, t3, t4, t5)
	z[0], z[1], z[2], z[3] = below(t0, t1, t2, t3, t4)
}

// square sets z to x².
func (z *element) square(x *element) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	// The products of different words, each once; twice their sum; the squares.
	h01, t1 := bits.Mul64(x0, x1)
	h02, t2 := bits.Mul64(x0, x2)
	h03, t3 := bits.Mul64(x0, x3)
	h13, t4 := bits.Mul64(x1, x3)
	h23, t5 := bits.Mul64(x2, x3)
	h12, l12 := bits.Mul64(x1, x2)
	t2, c := bits.Add64(t2, h01, 0)
	t3, c = bits.Add64(t3, h02, c)
	t4, c = bits.Add64(t4, h03, c)
	t5, c = bits.Add64(t5, h13, c)
	t6 := h23 + c
	t3, c = bits.Add64(t3, l12, 0)
	t4, c = bits.Add64(t4, h12, c)
	t5, c = bits.Add64(t5, 0, c)
	t6 += c
	t1, c = bits.Add64(t1, t1, 0)
	t2, c = bits.Add64(t2, t2, c)
	t3, c = bits.Add64(t3, t3, c)
	t4, c = bits.Add64(t4, t4, c)
	t5, c = bits.Add64(t5, t5, c)
	t6, t7 := bits.Add64(t6, t6, c)
	h0, t0 := bits.Mul64(x0, x0)
	h1, l1 := bits.Mul64(x1, x1)
	h2, l2 := bits.Mul64(x2, x2)
	h3, l3 := bits.Mul64(x3, x3)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, h1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, h2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7 += h3 + c
	// The lower half is divided by 2^256, which leaves p at most; then the upper half, which is below p, is added.
	t0, t1, t2, t3, _ = divide(t0, t1, t2, t3, 0, 0)
	t0, t1, t2, t3, _ = divide(t0, t1, t2, t3, 0, 0)
	t0, t1, t2, t3, _ = divide(t0, t1, t2, t3, 0, 0)
	t0, t1, t2, t3, _ = divide(t0, t1, t2, t3, 0, 0)
	t0, c = bits.Add64(t0, t4, 0)
	t1, c = bits.Add64(t1, t5, c)
	t2, c = bits.Add64(t2, t6, c)
	t3, c = bits.Add64(t3, t7, c)
	z[0], z[1], z[2], z[3] = below(t0, t1, t2, t3, c)
}

// times is x·d.
func times(x0, x1, x2, x3, d uint64) (_, _, _, _, _ uint64) {
	h0, l0 := bits.Mul64(x0, d)
	h1, l1 := bits.Mul64(x1, d)
	h2, l2 := bits.Mul64(x2, d)
	h3, l3 := bits.Mul64(x3, d)
	l1, c := bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	return l0, l1, l2, l3, h3 + c
}

// plus is t + u.
func plus(t0, t1, t2, t3, t4, u0, u1, u2, u3, u4 uint64) (_, _, _, _, _, _ uint64) {
	t0, c := bits.Add64(t0, u0, 0)
	t1, c = bits.Add64(t1, u1, c)
	t2, c = bits.Add64(t2, u2, c)
	t3, c = bits.Add64(t3, u3, c)
	t4, c = bits.Add64(t4, u4, c)
	return t0, t1, t2, t3, t4, c
}

// divide is (t + m·p)/2^64 for m = t0. Since p ends in 2^64 - 1, t0 + t0·p ends in 64 zeros, and what is left of m·p is
// t0·(2^192 - 2^160 + 2^128 + 2^32) = t0·p3·2^128 + t0·2^32.
func divide(t0, t1, t2, t3, t4, t5 uint64) (_, _, _, _, _ uint64) {
	h, l := bits.Mul64(t0, p3)
	t1, c := bits.Add64(t1, t0<<32, 0)
	t2, c = bits.Add64(t2, t0>>32, c)
	t3, c = bits.Add64(t3, l, c)
	t4, c = bits.Add64(t4, h, c)
	return t1, t2, t3, t4, t5 + c
}

// below is t, which is below 2p, modulo p.
func below(t0, t1, t2, t3, t4 uint64) (_, _, _, _ uint64) {
	u0, b := bits.Sub64(t0, p0, 0)
	u1, b := bits.Sub64(t1, p1, b)
	u2, b := bits.Sub64(t2, 0, b)
	u3, b := bits.Sub64(t3, p3, b)
	if _, b = bits.Sub64(t4, 0, b); b != 0 {
		u0, u1, u2, u3 = t0, t1, t2, t3
	}
	return u0, u1, u2, u3
}

// add sets z to x + y.
func (z *element) add(x, y *element) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	z[0], z[1], z[2], z[3] = below(t0, t1, t2, t3, c)
}

// sub sets z to x - y.
func (z *element) sub(x, y *element) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	borrowed := -b
	t0, c := bits.Add64(t0, borrowed, 0)
	t1, c = bits.Add64(t1, borrowed&p1, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, _ = bits.Add64(t3, borrowed&p3, c)
	z[0], z[1], z[2], z[3] = t0, t1, t2, t3
}

// negate sets z to -z if mask is all ones, and leaves it if mask is zero. z must not be zero.
func (z *element) negate(mask uint64) {
	t0, b := bits.Sub64(p0, z[0], 0)
	t1, b := bits.Sub64(p1, z[1], b)
	t2, b := bits.Sub64(0, z[2], b)
	t3, _ := bits.Sub64(p3, z[3], b)
	z[0] ^= mask & (t0 ^ z[0])
	z[1] ^= mask & (t1 ^ z[1])
	z[2] ^= mask & (t2 ^ z[2])
	z[3] ^= mask & (t3 ^ z[3])
}

// invert sets z to 1/x. x must not be zero.
func (z *element) invert(x *element) {
	inverse := element((*scalar)(x).inverse(elliptic.P256().Params().P))
	z.mul(&inverse, &toFormInverse)
}

// setScalar sets z to k, which must be below p.
func (z *element) setScalar(k *scalar) { z.mul((*element)(k), &toForm) }
