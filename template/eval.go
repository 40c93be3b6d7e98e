package template

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"text/template/parse"
)

// pipe evaluates commands, each with the value of the one before as its last argument, and declares or sets the variables in front of them.
func (e *execution) pipe(dot reflect.Value, p *parse.PipeNode) (reflect.Value, error) {
	if p == nil {
		return reflect.Value{}, nil
	}
	var last []reflect.Value // none, before the first command
	for _, command := range p.Cmds {
		v, err := e.command(dot, command, last)
		if err != nil {
			return v, e.located(command, err)
		}
		last = []reflect.Value{concrete(v)}
	}
	for _, d := range p.Decl {
		if !p.IsAssign {
			e.vars = append(e.vars, variable{d.Ident[0], last[0]})
			continue
		}
		to, err := e.variable(d.Ident[0])
		if err != nil {
			return last[0], err
		}
		to.value = last[0]
	}
	return last[0], nil
}

// command evaluates a function with its arguments, or a value by itself.
func (e *execution) command(dot reflect.Value, c *parse.CommandNode, last []reflect.Value) (reflect.Value, error) {
	switch first := c.Args[0].(type) {
	case *parse.IdentifierNode:
		return e.call(dot, first.Ident, c.Args[1:], last)
	case *parse.NilNode:
		return reflect.Value{}, errors.New("nil is not a command")
	}
	if len(c.Args) > 1 || len(last) > 0 {
		return reflect.Value{}, fmt.Errorf("can't give argument to non-function %s", c.Args[0])
	}
	return e.operand(dot, c.Args[0])
}

// operand evaluates what may be an argument.
func (e *execution) operand(dot reflect.Value, n parse.Node) (reflect.Value, error) {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.NilNode:
		return reflect.Value{}, nil
	case *parse.BoolNode:
		return reflect.ValueOf(n.True), nil
	case *parse.StringNode:
		return reflect.ValueOf(n.Text), nil
	case *parse.NumberNode:
		return number(n)
	case *parse.FieldNode:
		return fields(dot, n.Ident)
	case *parse.VariableNode:
		v, err := e.variable(n.Ident[0])
		if err != nil {
			return reflect.Value{}, err
		}
		return fields(v.value, n.Ident[1:])
	case *parse.IdentifierNode:
		return e.call(dot, n.Ident, nil, nil)
	case *parse.PipeNode:
		return e.pipe(dot, n)
	case *parse.ChainNode:
		v, err := e.operand(dot, n.Node)
		if err != nil {
			return v, err
		}
		return fields(v, n.Field)
	}
	return reflect.Value{}, fmt.Errorf("can't evaluate %s", n)
}

// number is an int or, as its text has it, a float64.
func number(n *parse.NumberNode) (reflect.Value, error) {
	isRune := n.Text[0] == '\''
	isHex := strings.ContainsAny(n.Text, "xX") && !strings.ContainsAny(n.Text, "pP")
	switch {
	case n.IsFloat && !isRune && !isHex && strings.ContainsAny(n.Text, ".eEpP"):
		return reflect.ValueOf(n.Float64), nil
	case n.IsInt && int64(int(n.Int64)) == n.Int64:
		return reflect.ValueOf(int(n.Int64)), nil
	case n.IsInt, n.IsUint:
		return reflect.Value{}, fmt.Errorf("%s overflows int", n.Text)
	}
	return reflect.Value{}, fmt.Errorf("%s is neither an integer nor a real number", n.Text)
}

// fields follows names from a value through the fields of structs.
func fields(v reflect.Value, names []string) (reflect.Value, error) {
	for _, name := range names {
		if !v.IsValid() {
			return v, nil // as text/template has it, a field of nil is nil
		}
		of := v.Type()
		if v = pointedTo(v); !v.IsValid() {
			return v, fmt.Errorf("nil pointer evaluating %s.%s", of, name)
		}
		if v.Kind() != reflect.Struct {
			return v, fmt.Errorf("can't evaluate field %s in type %s", name, of)
		}
		field, ok := v.Type().FieldByName(name)
		if !ok {
			return v, fmt.Errorf("can't evaluate field %s in type %s", name, of)
		}
		if !field.IsExported() {
			return v, fmt.Errorf("%s is an unexported field of struct type %s", name, of)
		}
		var err error
		if v, err = v.FieldByIndexErr(field.Index); err != nil {
			return v, err
		}
	}
	return v, nil
}

// call evaluates a function with its arguments and, after them, the value that a pipeline passes on.
func (e *execution) call(dot reflect.Value, name string, operands []parse.Node, last []reflect.Value) (reflect.Value, error) {
	if name == "and" || name == "or" {
		return e.logical(dot, name, operands, last)
	}
	f, ok := e.funcs[name]
	if !ok {
		f = predefined[name]
	}
	function := reflect.ValueOf(f)
	typ := function.Type()
	given, wanted := len(operands)+len(last), typ.NumIn()
	switch {
	case typ.IsVariadic() && given < wanted-1:
		return reflect.Value{}, fmt.Errorf("wrong number of args for %s: want at least %d got %d", name, wanted-1, given)
	case !typ.IsVariadic() && given != wanted:
		return reflect.Value{}, fmt.Errorf("wrong number of args for %s: want %d got %d", name, wanted, given)
	}
	args := make([]reflect.Value, 0, given)
	for _, operand := range operands {
		v, err := e.operand(dot, operand)
		if err != nil {
			return v, err
		}
		args = append(args, v)
	}
	args = append(args, last...)
	for i := range args {
		param := typ.In(min(i, wanted-1))
		if typ.IsVariadic() && i >= wanted-1 {
			param = param.Elem()
		}
		var err error
		if args[i], err = assignable(args[i], param); err != nil {
			return reflect.Value{}, err
		}
	}
	results := function.Call(args)
	if len(results) == 2 && !results[1].IsNil() {
		return results[0], fmt.Errorf("error calling %s: %w", name, results[1].Interface().(error))
	}
	return results[0], nil
}

// logical evaluates and, or: the first value that decides, or the last.
func (e *execution) logical(dot reflect.Value, name string, operands []parse.Node, last []reflect.Value) (reflect.Value, error) {
	var v reflect.Value
	if len(operands)+len(last) == 0 {
		return v, fmt.Errorf("wrong number of args for %s: want at least 1 got 0", name)
	}
	for _, operand := range operands {
		var err error
		if v, err = e.operand(dot, operand); err != nil || truth(v) == (name == "or") {
			return v, err
		}
	}
	if len(last) > 0 {
		v = last[0]
	}
	return v, nil
}

// assignable returns a value as a function's parameter takes it: nil for what has no value, and a basic value of another type if it reads the same.
func assignable(v reflect.Value, typ reflect.Type) (reflect.Value, error) {
	v = concrete(v)
	if !v.IsValid() {
		switch typ.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Slice:
			return reflect.Zero(typ), nil
		}
		return v, fmt.Errorf("value is nil; should be of type %s", typ)
	}
	if v.Type().AssignableTo(typ) {
		return v, nil
	}
	if isBasic(v.Kind()) && isBasic(typ.Kind()) && v.CanConvert(typ) {
		if converted := v.Convert(typ); fmt.Sprint(converted) == fmt.Sprint(v) {
			return converted, nil
		}
	}
	return v, fmt.Errorf("wrong type for value; expected %s; got %s", typ, v.Type())
}

func isBasic(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Float64 || k == reflect.String
}

// concrete is what an interface holds.
func concrete(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

// pointedTo follows pointers and interfaces to a value. It is invalid for nil.
func pointedTo(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

// truth says whether a value is what if calls true: not empty, not zero, not nil.
func truth(v reflect.Value) bool {
	switch v = concrete(v); v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Slice, reflect.String:
		return v.Len() > 0
	case reflect.Struct:
		return true
	}
	return !v.IsZero()
}

// elements returns what range goes through, and whether that is anything. A number has no keys.
func elements(v reflect.Value, variables int) (all iter.Seq2[reflect.Value, reflect.Value], some bool, err error) {
	if !v.IsValid() {
		return nil, false, nil
	}
	switch v = pointedTo(v); {
	case !v.IsValid():
		return nil, false, errors.New("range can't iterate over a nil pointer")
	case v.Kind() == reflect.Slice:
		return v.Seq2(), v.Len() > 0, nil
	case !v.CanInt() && !v.CanUint():
		return nil, false, fmt.Errorf("range can't iterate over %v", v)
	case variables > 1:
		return nil, false, fmt.Errorf("can't use %v to iterate over more than one variable", v)
	}
	counted := func(yield func(_, _ reflect.Value) bool) {
		for i := range v.Seq() {
			if !yield(reflect.Value{}, i) {
				return
			}
		}
	}
	return counted, v.CanUint() && v.Uint() > 0 || v.CanInt() && v.Int() > 0, nil
}
