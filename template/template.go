// Package template fills in templates: the language of the standard library's text/template, which it is parsed by, on plain data.
//
// It is here for the size of the program. text/template can call any method of any value by its name, so a linker that finds it in a program must
// keep all exported methods of all types, whether called or not: a sixth of Heddle's executable, and some of the memory of every process. This
// package reads fields and elements and calls the functions it is given. Of a value's methods it knows only String and Error, which print it.
//
// What it knows is the language as text/template documents it, without methods, maps, arrays, channels and iterators, complex numbers,
// the functions call and js, and the third index of slice. Functions are less particular: they take any basic value that reads the same as one
// of their parameter's type. Its tests hold what it writes against text/template.
package template

import (
	"errors"
	"fmt"
	"html"
	"reflect"
	"strings"
	"text/template/parse"
)

// Funcs are the functions a template may call besides the predefined ones, by name. Each returns a value, or a value and an error.
type Funcs map[string]any

// HTML is text that ParseHTML's templates print as it is.
type HTML string

// Template is a template and those that its text defines. It does not change, so that any number of goroutines may execute it.
type Template struct {
	name   string
	trees  map[string]*parse.Tree
	funcs  Funcs
	escape func(string) string // what every action prints goes through it; nil: as it is
}

// Parse makes a template of text. The name is for errors, which have the form of text/template's.
func Parse(name, text string, funcs Funcs) (*Template, error) {
	trees, err := parse.Parse(name, text, "", "", predefined, funcs)
	if err != nil {
		return nil, err
	}
	return &Template{name: name, trees: trees, funcs: funcs}, nil
}

// ParseHTML makes a template that escapes what its actions print, but HTML: they may stand between HTML's elements and in quoted attributes,
// not in scripts, styles, URLs or names. They need not, and should not, call the function html.
func ParseHTML(name, text string, funcs Funcs) (*Template, error) {
	t, err := Parse(name, text, funcs)
	if err != nil {
		return nil, err
	}
	t.escape = html.EscapeString
	return t, nil
}

// Execute returns the template filled in with data, its dot: structs, slices and basic values, nested as they like.
func (t *Template) Execute(data any) (string, error) {
	e := &execution{Template: t}
	err := e.run(t.name, reflect.ValueOf(data))
	return e.out.String(), err
}

// execution is one execution: where it is in the templates, and what they know.
type execution struct {
	*Template
	out   strings.Builder
	tree  *parse.Tree // the template that runs
	depth int         // of templates that invoke each other
	vars  []variable  // in order of declaration
}

type variable struct {
	name  string
	value reflect.Value
}

// maxDepth is how deep templates may invoke each other.
const maxDepth = 100_000

// What break and continue do to the nodes they stand in.
var (
	errBreak    = errors.New("break outside of range")
	errContinue = errors.New("continue outside of range")
)

// run executes a template by its name. It knows no variables but $.
func (e *execution) run(name string, dot reflect.Value) error {
	tree := e.trees[name]
	if tree == nil {
		return fmt.Errorf("template %q not defined", name)
	}
	if e.depth++; e.depth > maxDepth {
		return fmt.Errorf("exceeded maximum template depth (%d)", maxDepth)
	}
	outerTree, outerVars := e.tree, e.vars
	e.tree, e.vars = tree, []variable{{"$", dot}}
	err := e.list(dot, tree.Root)
	e.tree, e.vars = outerTree, outerVars
	e.depth--
	return err
}

// located says where in the template an error is. One that has been located stays as it is.
func (e *execution) located(n parse.Node, err error) error {
	var already *execError
	if err == nil || errors.As(err, &already) || errors.Is(err, errBreak) || errors.Is(err, errContinue) {
		return err
	}
	place, text := e.tree.ErrorContext(n)
	return &execError{fmt.Sprintf("template: %s: executing %q at <%s>: ", place, e.tree.Name, text), err}
}

type execError struct {
	place string
	err   error
}

func (e *execError) Error() string { return e.place + e.err.Error() }
func (e *execError) Unwrap() error { return e.err }

// node executes one node. What it declares ends with it, but for an action's, which lasts as long as the list the action is in.
func (e *execution) node(dot reflect.Value, n parse.Node) error {
	switch n := n.(type) {
	case *parse.TextNode:
		e.out.Write(n.Text)
	case *parse.ActionNode:
		v, err := e.pipe(dot, n.Pipe)
		if err == nil && len(n.Pipe.Decl) == 0 {
			err = e.print(v)
		}
		return e.located(n, err)
	case *parse.IfNode:
		return e.branch(dot, &n.BranchNode)
	case *parse.WithNode:
		return e.branch(dot, &n.BranchNode)
	case *parse.RangeNode:
		return e.each(dot, n)
	case *parse.TemplateNode:
		v, err := e.pipe(dot, n.Pipe)
		if err == nil {
			err = e.run(n.Name, v)
		}
		return e.located(n, err)
	case *parse.BreakNode:
		return errBreak
	case *parse.ContinueNode:
		return errContinue
	}
	return nil
}

func (e *execution) list(dot reflect.Value, list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		if err := e.node(dot, n); err != nil {
			return err
		}
	}
	return nil
}

// branch executes if and with.
func (e *execution) branch(dot reflect.Value, n *parse.BranchNode) error {
	declared := len(e.vars)
	defer func() { e.vars = e.vars[:declared] }()
	v, err := e.pipe(dot, n.Pipe)
	switch {
	case err != nil:
		return e.located(n, err)
	case !truth(v):
		return e.list(dot, n.ElseList)
	case n.NodeType == parse.NodeWith:
		dot = v
	}
	return e.list(dot, n.List)
}

// each executes range. The variables it declares are set anew for every element.
func (e *execution) each(dot reflect.Value, n *parse.RangeNode) error {
	declared := len(e.vars)
	defer func() { e.vars = e.vars[:declared] }()
	v, err := e.pipe(dot, n.Pipe)
	if err != nil {
		return e.located(n, err)
	}
	variables := n.Pipe.Decl
	all, some, err := elements(v, len(variables))
	if err != nil {
		return e.located(n.Pipe, err)
	}
	if !some {
		return e.list(dot, n.ElseList)
	}
	inside := len(e.vars)
	for key, element := range all {
		for i, v := range variables { // the key comes first, if there are two
			of := element
			if i < len(variables)-1 {
				of = key
			}
			to, err := e.variable(v.Ident[0])
			if err != nil {
				return e.located(n.Pipe, err)
			}
			to.value = of
		}
		err := e.list(element, n.List)
		e.vars = e.vars[:inside]
		if errors.Is(err, errBreak) {
			break
		}
		if err != nil && !errors.Is(err, errContinue) {
			return err
		}
	}
	return nil
}

// variable finds the innermost variable of a name. The parser lets through what assigns to one that is not declared.
func (e *execution) variable(name string) (*variable, error) {
	for i := len(e.vars) - 1; i >= 0; i-- {
		if e.vars[i].name == name {
			return &e.vars[i], nil
		}
	}
	return nil, fmt.Errorf("undefined variable: %s", name)
}

// print writes what an action comes to.
func (e *execution) print(v reflect.Value) error {
	var printed any = noValue
	if v = printable(v); v.IsValid() {
		if v.Kind() == reflect.Func {
			return fmt.Errorf("can't print a value of type %s", v.Type())
		}
		printed = v.Interface()
	}
	text := fmt.Sprint(printed)
	if _, ready := printed.(HTML); e.escape != nil && !ready {
		text = e.escape(text)
	}
	e.out.WriteString(text)
	return nil
}
