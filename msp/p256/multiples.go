package p256

import "slices"

// scalarBits is the length of the scalars that multiples are picked by: of k and n - k one is shorter than 256 bits.
const scalarBits = 255

// multiples are d·2^(w·j)·P of a point P, for each row j and digit d from 1 to 2^(w-1). The last row has no more than scalars ask for.
type multiples struct {
	width int
	rows  [][]point
}

// sizes are how many points the rows have for digits of that width. What is borrowed from the last row adds one to its greatest digit.
func sizes(width int) []int {
	s := slices.Repeat([]int{1 << (width - 1)}, scalarBits/width+1)
	s[len(s)-1] = 1 << (scalarBits % width)
	return s
}

// count is how many points that makes.
func count(width int) int { return scalarBits/width<<(width-1) + 1<<(scalarBits%width) }

func newMultiples(p *point, width int) *multiples {
	m := &multiples{width: width}
	points := make([]point, count(width))
	for _, size := range sizes(width) {
		m.rows, points = append(m.rows, points[:size:size]), points[size:]
	}
	half := len(m.rows) << (width - 2) // as many as share an inversion, at most
	v := &inverses{of: make([]element, 0, half), before: make([]element, 0, half)}
	m.begin(p, v)
	// From n points of each row twice as many: the n-th is added to all of them. No two that are added have the same x, since the order
	// of P is a prime far beyond the digits.
	for n := 1; n < len(m.rows[0]); n *= 2 {
		v.reset()
		var t element
		for _, row := range m.rows {
			for d := n; d < min(2*n, len(row)); d++ {
				if d == 2*n-1 {
					t.add(&row[n-1].y, &row[n-1].y)
				} else {
					t.sub(&row[d-n].x, &row[n-1].x)
				}
				v.push(&t)
			}
		}
		v.invert()
		for _, row := range slices.Backward(m.rows) {
			for d := min(2*n, len(row)) - 1; d >= n; d-- {
				v.pop(&t)
				if d == 2*n-1 {
					row[d].double(&row[n-1], &t)
				} else {
					row[d].add(&row[n-1], &row[d-n], &t)
				}
			}
		}
	}
	return m
}

// begin computes the first point of each row.
func (m *multiples) begin(p *point, v *inverses) {
	v.reset()
	first := make([]projective, len(m.rows))
	next := projective{p.x, p.y, one}
	for j := range first {
		first[j] = next
		v.push(&next.z)
		for range m.width {
			next.double()
		}
	}
	v.invert()
	for j := len(first) - 1; j >= 0; j-- {
		var z, z2 element
		v.pop(&z)
		z2.square(&z)
		m.rows[j][0].x.mul(&first[j].x, &z2)
		z2.mul(&z2, &z)
		m.rows[j][0].y.mul(&first[j].y, &z2)
	}
}

// pick appends the points whose sum is k·P, at most one of each row; k must be below n. Digits lie between -2^(w-1) and 2^(w-1): one that
// would be greater borrows from the next row.
func (m *multiples) pick(points []point, k *scalar) []point {
	short, negated := *k, k[3]>>63
	if negated != 0 {
		short.sub(&order, k)
	}
	half, carry := int64(1)<<(m.width-1), int64(0)
	for j, row := range m.rows {
		// Without branches that depend on the digit, which no processor can predict.
		digit := short.digit(j*m.width, m.width) + carry
		carry = int64(uint64(half-digit) >> 63)
		digit -= carry << m.width
		sign := digit >> 63
		if digit != 0 {
			points = append(points, row[(digit^sign)-sign-1])
			points[len(points)-1].y.negate(uint64(sign) ^ -negated)
		}
	}
	return points
}

// digit is width bits of the number, the lowest of them at position from.
func (k *scalar) digit(from, width int) int64 {
	i, shift := from/64, from%64
	d := k[i] >> shift
	if shift+width > 64 && i < 3 {
		d |= k[i+1] << (64 - shift)
	}
	return int64(d & (1<<width - 1))
}
