package p256

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
	"slices"
)

const (
	// together is how many signatures are verified at once: with more, the inversions that they share hardly cost less, and their points leave
	// the processor's cache.
	together = 64
	// worthInverting is the number of additions from which on it is cheaper to share an inversion than to do without.
	worthInverting = 20
)

// Check is a signature to verify, and whether it is one.
type Check struct {
	Table  *Table
	Digest [32]byte
	R, S   []byte // big-endian
	Valid  bool   // the answer
}

// Batch verifies signatures, by one key or by many. It keeps memory for the next time, and is for one goroutine at a time. The zero Batch is
// ready for use.
type Batch struct {
	sums     []sum
	points   []point
	inverses inverses
	product  []scalar // of the signatures' s up to each
}

// sum is the sum of points of which a signature's r must be the x.
type sum struct {
	check  *Check
	e      scalar // the digest
	r, s   scalar
	points []point // that are still to be added
	odd    bool    // two points to be added had the same x
}

// Verify answers each check as crypto/ecdsa.Verify does.
func (b *Batch) Verify(checks []Check) {
	for len(checks) > 0 {
		parts := (len(checks) + together - 1) / together
		n := (len(checks) + parts - 1) / parts
		b.verify(checks[:n])
		checks = checks[n:]
	}
	clear(b.sums[:cap(b.sums)]) // which refer to tables
}

func (b *Batch) verify(checks []Check) {
	b.begin(checks)
	if len(b.sums) == 0 {
		return
	}
	b.pick()
	for b.pairs() >= worthInverting {
		b.addPairs()
	}
	for i := range b.sums {
		s := &b.sums[i]
		valid, ok := s.finish()
		if !ok {
			valid = ecdsa.Verify(s.check.Table.pub, s.check.Digest[:], new(big.Int).SetBytes(s.check.R), new(big.Int).SetBytes(s.check.S))
		}
		s.check.Valid = valid
	}
}

// begin begins a sum for each signature whose numbers are in range.
func (b *Batch) begin(checks []Check) {
	b.sums = b.sums[:0]
	for i := range checks {
		c := &checks[i]
		c.Valid = false
		s := sum{check: c}
		if s.r.setBytes(c.R) && s.s.setBytes(c.S) && s.r.inRange() && s.s.inRange() {
			s.e.setBytes(c.Digest[:])
			b.sums = append(b.sums, s)
		}
	}
}

// pick picks the points of each sum: of e/s times the generator and r/s times the key.
func (b *Batch) pick() {
	// The inverses of all s share one too. Since mul divides by 2^256, product[i] is s[0]·…·s[i]/2^(256·i), and each inverse comes times 2^256,
	// which the next mul takes away.
	b.product = append(b.product[:0], b.sums[0].s)
	for i := 1; i < len(b.sums); i++ {
		b.product = append(b.product, scalar{})
		b.product[i].mul(&b.product[i-1], &b.sums[i].s)
	}
	last := len(b.sums) - 1
	inverse := b.product[last].inverse(elliptic.P256().Params().N)
	inverse.mul(&inverse, &orderForm)
	base := generator()
	b.points = slices.Grow(b.points[:0], len(b.sums)*(scalarBits/baseWidth+1+scalarBits/keyWidth+1))
	for i := last; i >= 0; i-- {
		s, w, k := &b.sums[i], inverse, scalar{}
		if i > 0 {
			w.mul(&inverse, &b.product[i-1])
			inverse.mul(&inverse, &s.s)
		}
		from := len(b.points)
		k.mul(&s.e, &w)
		b.points = base.pick(b.points, &k)
		k.mul(&s.r, &w)
		b.points = s.check.Table.key.pick(b.points, &k)
		s.points = b.points[from:]
	}
}

// pairs is how many additions addPairs makes.
func (b *Batch) pairs() int {
	n := 0
	for i := range b.sums {
		n += len(b.sums[i].points) / 2
	}
	return n
}

// addPairs halves the points of each sum, by adding the first to the second, the third to the fourth, and so on.
func (b *Batch) addPairs() {
	v := &b.inverses
	v.reset()
	var t element
	for i := len(b.sums) - 1; i >= 0; i-- {
		s := &b.sums[i]
		for j := len(s.points)/2*2 - 2; j >= 0; j -= 2 {
			if t.sub(&s.points[j+1].x, &s.points[j].x); t.isZero() {
				s.odd, t = true, one
			}
			v.push(&t)
		}
	}
	v.invert()
	for i := range b.sums {
		s := &b.sums[i]
		n := len(s.points)
		for j := 0; j+1 < n; j += 2 {
			v.pop(&t)
			s.points[j/2].add(&s.points[j], &s.points[j+1], &t)
		}
		if n%2 == 1 {
			s.points[n/2] = s.points[n-1]
		}
		s.points = s.points[:(n+1)/2]
	}
}

// finish adds what points are left, one after the other, and says whether r is the x of the sum. ok is false if that cannot be said in this way.
func (s *sum) finish() (valid, ok bool) {
	if s.odd {
		return false, false
	}
	// As neither r nor s is zero, the key has given at least one point.
	total := projective{s.points[0].x, s.points[0].y, one}
	for i := 1; i < len(s.points); i++ {
		if !total.add(&s.points[i]) {
			return false, false
		}
	}
	var x element
	x.setScalar(&s.r)
	if total.hasX(&x) {
		return true, true
	}
	if !s.r.below(&beyondOrder) {
		return false, true
	}
	// r is x modulo n, and x is below p: it may be r + n as well.
	var n element
	n.setScalar(&order)
	x.add(&x, &n)
	return total.hasX(&x), true
}
