// Package p256 verifies ECDSA signatures over P-256 by keys that sign again and again, five times as fast as crypto/ecdsa and, many at once,
// eight times: multiples of the public key are computed once and kept, so that a verification only adds points, and additions share the one
// expensive step that each has.
//
// Signatures, digests and keys are public, so time and memory accesses depend on them: this package must not be used for anything secret.
//
// # How a signature is verified
//
// (r, s) is a signature of e by the key Q if e/s·G + r/s·Q has r as its x, modulo n. Both products are sums of points out of tables, one point
// per digit of the scalar (type multiples), 56 points in all. They are added in pairs, then the sums in pairs, and so on. An addition in affine
// coordinates is cheap but for an inversion in the field, and all pairs of all signatures share one (type inverses). When few pairs are left,
// the rest is added without inversions.
//
// # Why the answer is that of crypto/ecdsa
//
// The formula for an addition is exact for two points of different x. Points of the same x are looked for before each addition, whoever chose
// key and signature, and whatever for; a signature for which there are any is given to crypto/ecdsa instead, as if there were no table. (By
// chance that never happens; by intention it wastes less time than crypto/ecdsa takes.) So what is answered here is answered by exact arithmetic
// on points of the curve; NewTable takes no key that is not one. What is left to trust is the arithmetic modulo p and n, which tests hold
// against math/big, and the whole, which they hold against crypto/ecdsa, with Wycheproof's vectors among others.
package p256

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"sync"
)

// Width of the digits, in bits, that a scalar is cut into.
const (
	keyWidth  = 8  // 32 rows, 4096 points
	baseWidth = 11 // 24 rows, 23556 points, 1.4 MiB, once per process
)

// TableSize is the memory that a Table takes, in bytes.
const TableSize = 256 << 10

// Table is what signatures by one public key are verified with. It is immutable, and safe for concurrent use.
type Table struct {
	pub *ecdsa.PublicKey
	key *multiples
}

// NewTable computes the table of pub, which takes as long as ten verifications by crypto/ecdsa. The error says that pub is no point of P-256.
func NewTable(pub *ecdsa.PublicKey) (*Table, error) {
	if pub.Curve != elliptic.P256() {
		return nil, fmt.Errorf("a table is for keys on P-256, not %s", pub.Curve.Params().Name)
	}
	encoded, err := pub.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return &Table{pub: pub, key: newMultiples(newPoint(encoded[1:33], encoded[33:]), keyWidth)}, nil
}

// generator is the table of the curve's base point G.
var generator = sync.OnceValue(func() *multiples {
	curve := elliptic.P256().Params()
	return newMultiples(newPoint(curve.Gx.Bytes(), curve.Gy.Bytes()), baseWidth)
})
