package p256

// point is a point of the curve other than the one at infinity.
type point struct{ x, y element }

// newPoint is the point with these coordinates, big-endian and below p.
func newPoint(x, y []byte) *point {
	var p point
	var k scalar
	k.setBytes(x)
	p.x.setScalar(&k)
	k.setBytes(y)
	p.y.setScalar(&k)
	return &p
}

// add sets p to a + b, whose x must differ; inverse is 1/(b.x - a.x). p may be a or b.
func (p *point) add(a, b *point, inverse *element) {
	var slope element
	slope.sub(&b.y, &a.y)
	slope.mul(&slope, inverse)
	p.meet(a, b, &slope)
}

// double sets p to a + a; inverse is 1/(2·a.y).
func (p *point) double(a *point, inverse *element) {
	var slope, three element // (3x² - 3)/2y
	slope.square(&a.x)
	slope.sub(&slope, &one)
	three.add(&slope, &slope)
	slope.add(&three, &slope)
	slope.mul(&slope, inverse)
	p.meet(a, a, &slope)
}

// meet sets p to the sum of a and b, which lie on a line of that slope.
func (p *point) meet(a, b *point, slope *element) {
	var x, y element
	x.square(slope)
	x.sub(&x, &a.x)
	x.sub(&x, &b.x)
	y.sub(&a.x, &x)
	y.mul(&y, slope)
	p.y.sub(&y, &a.y)
	p.x = x
}

// projective is the point (x/z², y/z³). The formulas are madd and dbl-2001-b of the Explicit-Formulas Database.
type projective struct{ x, y, z element }

// add sets p to p + a, unless their x is the same: then it says so.
func (p *projective) add(a *point) (ok bool) {
	var z2, h, r, h2, h3, v element
	z2.square(&p.z)
	h.mul(&a.x, &z2)
	h.sub(&h, &p.x)
	if h.isZero() {
		return false
	}
	r.mul(&z2, &p.z)
	r.mul(&r, &a.y)
	r.sub(&r, &p.y)
	h2.square(&h)
	h3.mul(&h2, &h)
	v.mul(&p.x, &h2)
	p.z.mul(&p.z, &h)
	p.x.square(&r)
	p.x.sub(&p.x, &h3)
	p.x.sub(&p.x, &v)
	p.x.sub(&p.x, &v)
	h3.mul(&h3, &p.y)
	v.sub(&v, &p.x)
	p.y.mul(&r, &v)
	p.y.sub(&p.y, &h3)
	return true
}

// double sets p to p + p.
func (p *projective) double() {
	var z2, y2, b, a, t element
	z2.square(&p.z)
	y2.square(&p.y)
	b.mul(&p.x, &y2)
	t.sub(&p.x, &z2)
	a.add(&p.x, &z2)
	t.mul(&t, &a)
	a.add(&t, &t)
	a.add(&a, &t) // 3(x - z²)(x + z²)
	p.z.mul(&p.z, &p.y)
	p.z.add(&p.z, &p.z)
	b.add(&b, &b)
	b.add(&b, &b) // 4xy²
	p.x.square(&a)
	p.x.sub(&p.x, &b)
	p.x.sub(&p.x, &b)
	y2.square(&y2)
	y2.add(&y2, &y2)
	y2.add(&y2, &y2)
	y2.add(&y2, &y2) // 8y⁴
	b.sub(&b, &p.x)
	p.y.mul(&a, &b)
	p.y.sub(&p.y, &y2)
}

// hasX says whether the point's x is that.
func (p *projective) hasX(x *element) bool {
	var t element
	t.square(&p.z)
	t.mul(&t, x)
	return t == p.x
}
