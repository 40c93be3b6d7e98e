package p256

// inverses computes the inverses of many elements for one inversion and three multiplications each (Montgomery's trick): all are pushed, invert is
// called, and their inverses are popped, that of the last first.
type inverses struct {
	of, before []element // each element, and the product of those pushed before it
	product    element   // of all; after invert, the inverse of the product of those that are left
}

func (v *inverses) reset() {
	v.of, v.before, v.product = v.of[:0], v.before[:0], one
}

// push takes one more element, which must not be zero.
func (v *inverses) push(x *element) {
	v.of, v.before = append(v.of, *x), append(v.before, v.product)
	v.product.mul(&v.product, x)
}

func (v *inverses) invert() { v.product.invert(&v.product) }

// pop sets z to the next inverse.
func (v *inverses) pop(z *element) {
	last := len(v.of) - 1
	z.mul(&v.product, &v.before[last])
	v.product.mul(&v.product, &v.of[last])
	v.of, v.before = v.of[:last], v.before[:last]
}
