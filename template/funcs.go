package template

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"net/url"
	"reflect"
)

// predefined are the functions that every template has.
var predefined = Funcs{
	"and":      short,
	"or":       short,
	"not":      func(v any) bool { return !truth(reflect.ValueOf(v)) },
	"eq":       equal,
	"ne":       func(a, b any) (bool, error) { same, err := equal(a, b); return !same, err },
	"lt":       func(a, b any) (bool, error) { c, err := compare(a, b); return c < 0, err },
	"le":       func(a, b any) (bool, error) { c, err := compare(a, b); return c <= 0, err },
	"gt":       func(a, b any) (bool, error) { c, err := compare(a, b); return c > 0, err },
	"ge":       func(a, b any) (bool, error) { c, err := compare(a, b); return c >= 0, err },
	"len":      length,
	"index":    index,
	"slice":    slice,
	"print":    fmt.Sprint,
	"printf":   fmt.Sprintf,
	"println":  fmt.Sprintln,
	"html":     func(args ...any) string { return html.EscapeString(text(args)) },
	"urlquery": func(args ...any) string { return url.QueryEscape(text(args)) },
}

// short stands for the functions that look at no more arguments than they need, which are no functions of Go: (*execution).logical.
const short = "short-circuit"

// text is what functions that take a text make of their arguments.
func text(args []any) string {
	for i, a := range args {
		if v := printable(reflect.ValueOf(a)); v.IsValid() {
			args[i] = v.Interface()
		} else {
			args[i] = noValue
		}
	}
	return fmt.Sprint(args...)
}

// noValue is what nil is printed as.
const noValue = "<no value>"

// printable is the value that stands for v in a text: what it points to, but for an error or a Stringer. It is invalid where there is no value.
func printable(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		switch v.Interface().(type) {
		case error, fmt.Stringer:
			return v
		}
		v = v.Elem()
	}
	return concrete(v)
}

// equal says whether a is equal to any of the others.
func equal(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, errors.New("missing argument for comparison")
	}
	for _, b := range others {
		order, err := compare(a, b)
		same := order == 0
		if x, y := reflect.ValueOf(a), reflect.ValueOf(b); err != nil {
			switch {
			case isNil(x) || isNil(y):
				same = isNil(x) && isNil(y)
			case x.Type() != y.Type() && (isBasic(x) || isBasic(y)):
				return false, err
			case !y.Comparable() || x.Type() == y.Type() && !x.Comparable():
				return false, fmt.Errorf("non-comparable types: %T and %T", a, b)
			default:
				same = a == b
			}
		}
		if same {
			return true, nil
		}
	}
	return false, nil
}

func isNil(v reflect.Value) bool {
	return !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil()
}

func isBasic(v reflect.Value) bool {
	return isNumber(v.Kind()) || v.Kind() == reflect.String || v.Kind() == reflect.Bool
}

// compare orders numbers and strings. Integers may have a sign or none.
func compare(a, b any) (int, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case x.CanInt() && y.CanInt():
		return cmp.Compare(x.Int(), y.Int()), nil
	case x.CanUint() && y.CanUint():
		return cmp.Compare(x.Uint(), y.Uint()), nil
	case x.CanInt() && y.CanUint():
		if x.Int() < 0 {
			return -1, nil
		}
		return cmp.Compare(uint64(x.Int()), y.Uint()), nil
	case x.CanUint() && y.CanInt():
		order, err := compare(b, a)
		return -order, err
	case x.CanFloat() && y.CanFloat():
		return cmp.Compare(x.Float(), y.Float()), nil
	case x.Kind() == reflect.String && y.Kind() == reflect.String:
		return cmp.Compare(x.String(), y.String()), nil
	}
	return 0, fmt.Errorf("incompatible types for comparison: %T and %T", a, b)
}

func length(v any) (int, error) {
	all := pointedTo(reflect.ValueOf(v))
	if !hasLength(all) {
		return 0, fmt.Errorf("len of type %T", v)
	}
	return all.Len(), nil
}

// index returns the element of v at a position, and of that the one at the next.
func index(v any, positions ...any) (any, error) {
	if v == nil {
		return nil, errors.New("index of untyped nil")
	}
	for _, p := range positions {
		all := pointedTo(reflect.ValueOf(v))
		if !hasLength(all) {
			return nil, fmt.Errorf("can't index item of type %T", v)
		}
		at, err := position(p, all.Len()-1)
		if err != nil {
			return nil, err
		}
		v = all.Index(at).Interface()
	}
	return v, nil
}

// slice returns v[from:to], of which to may be missing, or both.
func slice(v any, bounds ...any) (any, error) {
	all := pointedTo(reflect.ValueOf(v))
	if !hasLength(all) || len(bounds) > 2 {
		return nil, fmt.Errorf("can't slice item of type %T at %d indexes", v, len(bounds))
	}
	at := [2]int{0, all.Len()}
	for i, bound := range bounds {
		var err error
		if at[i], err = position(bound, all.Len()); err != nil {
			return nil, err
		}
	}
	if at[0] > at[1] {
		return nil, fmt.Errorf("invalid slice index: %d > %d", at[0], at[1])
	}
	return all.Slice(at[0], at[1]).Interface(), nil
}

func hasLength(v reflect.Value) bool { return v.Kind() == reflect.String || v.Kind() == reflect.Slice }

// position is an index from 0 to last.
func position(index any, last int) (int, error) {
	at, err := assignable(reflect.ValueOf(index), reflect.TypeFor[int]())
	switch {
	case err != nil || reflect.ValueOf(index).CanFloat():
		return 0, fmt.Errorf("cannot index slice/array with type %T", index)
	case at.Int() < 0 || at.Int() > int64(last):
		return 0, fmt.Errorf("index out of range: %v", index)
	}
	return int(at.Int()), nil
}
