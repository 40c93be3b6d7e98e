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
	"ne":       func(a, b any) (bool, error) { same, err := equals(a, b); return !same, err },
	"lt":       less,
	"le":       lessOrEqual,
	"gt":       func(a, b any) (bool, error) { is, err := lessOrEqual(a, b); return !is, err },
	"ge":       func(a, b any) (bool, error) { is, err := less(a, b); return !is, err },
	"len":      length,
	"index":    index,
	"slice":    slice,
	"print":    fmt.Sprint,
	"printf":   fmt.Sprintf,
	"println":  fmt.Sprintln,
	"html":     func(args ...any) string { return html.EscapeString(asText(args)) },
	"urlquery": func(args ...any) string { return url.QueryEscape(asText(args)) },
}

// short stands for the functions that look at no more arguments than they need, which are no functions of Go: (*execution).logical.
const short = "short-circuit"

// asText is what functions that take a text make of their arguments.
func asText(args []any) string {
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
		if same, err := equals(a, b); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

func equals(a, b any) (bool, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	of, unlike := kindOf(x), kindOf(x) != kindOf(y)
	switch {
	case x.IsValid() && y.IsValid() && (unlike || of == other && x.Kind() != y.Kind()):
		return false, incompatible(a, b)
	case unlike:
		return false, nil
	case of == integer:
		return compareIntegers(x, y) == 0, nil
	case of == float:
		return x.Float() == y.Float(), nil
	case of == text:
		return x.String() == y.String(), nil
	case of == boolean:
		return x.Bool() == y.Bool(), nil
	case isNil(x) || isNil(y):
		return isNil(x) && isNil(y), nil
	case !y.Comparable() || x.Type() == y.Type() && !x.Comparable():
		return false, incompatible(a, b)
	}
	return a == b, nil
}

// less says whether a is less than b: numbers of one kind, or texts.
func less(a, b any) (bool, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch of := kindOf(x); {
	case of != kindOf(y):
	case of == integer:
		return compareIntegers(x, y) < 0, nil
	case of == float:
		return x.Float() < y.Float(), nil
	case of == text:
		return x.String() < y.String(), nil
	}
	return false, incompatible(a, b)
}

// lessOrEqual is not the opposite of greater, for what is not a number.
func lessOrEqual(a, b any) (bool, error) {
	if is, err := less(a, b); is || err != nil {
		return is, err
	}
	return equals(a, b)
}

func incompatible(a, b any) error {
	return fmt.Errorf("incompatible types for comparison: %T and %T", a, b)
}

// The kinds of values that can be compared with each other.
const (
	other = iota
	boolean
	integer
	float
	text
)

func kindOf(v reflect.Value) int {
	switch {
	case v.Kind() == reflect.Bool:
		return boolean
	case v.CanInt() || v.CanUint():
		return integer
	case v.CanFloat():
		return float
	case v.Kind() == reflect.String:
		return text
	}
	return other
}

// compareIntegers takes them with a sign or without.
func compareIntegers(a, b reflect.Value) int {
	switch {
	case a.CanInt() && b.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint() && b.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanUint():
		return -compareIntegers(b, a)
	case a.Int() < 0:
		return -1
	}
	return cmp.Compare(uint64(a.Int()), b.Uint())
}

func isNil(v reflect.Value) bool {
	return !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil()
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
	at := reflect.ValueOf(index)
	if kindOf(at) != integer {
		return 0, fmt.Errorf("cannot index slice/array with type %T", index)
	}
	if compareIntegers(at, reflect.ValueOf(0)) < 0 || compareIntegers(at, reflect.ValueOf(last)) > 0 {
		return 0, fmt.Errorf("index out of range: %v", index)
	}
	return int(at.Convert(reflect.TypeFor[int64]()).Int()), nil
}
