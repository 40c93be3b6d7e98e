package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// maxDepth is how deep gates may nest in an expression.
const maxDepth = 200

// principal is "<MSP id>.<role>"; the id may itself hold dots.
var principal = regexp.MustCompile(`^([[:alnum:].-]+)[.](admin|member|client|peer|orderer)$`)

// Parse reads the policy language:
//
//	gate      = "AND" "(" rules ")" | "OR" "(" rules ")" | "OutOf" "(" n "," rules ")"
//	rules     = rule { "," rule }
//	rule      = gate | "'" MSP id "." role "'"
//	role      = "member" | "admin" | "client" | "peer" | "orderer"
//
// Gates may be written in upper case, in lower case or as above; quotes may be double; n may be quoted. The outermost
// thing must be a gate. n may exceed the number of rules by one, to write a policy that nothing satisfies.
//
// The envelope marshals to the bytes Fabric's parser gives: each mention of a principal is an identity of its own, numbered
// gate by gate as gates end, so that an inner gate's principals come before those its parent names directly. Fabric reads
// the language with an expression evaluator and so also takes arithmetic for n, and ignores words after the last
// parenthesis; this parser refuses both.
func Parse(expr string) (*commonpb.SignaturePolicyEnvelope, error) {
	tokens, err := scan(expr)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	rule, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &commonpb.SignaturePolicyEnvelope{Rule: rule, Identities: p.identities}, nil
}

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenText // quoted
	tokenNumber
	tokenSymbol // ( ) or ,
)

type token struct {
	kind tokenKind
	text string
}

func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the expression"
	case tokenText:
		return "'" + t.text + "'"
	}
	return t.text
}

func scan(expr string) ([]token, error) {
	var tokens []token
	balance := 0
	for i := 0; i < len(expr); {
		r, size := utf8.DecodeRuneInString(expr[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case r == '(' || r == ')' || r == ',':
			balance += map[rune]int{'(': 1, ')': -1}[r]
			tokens = append(tokens, token{tokenSymbol, string(r)})
			i += size
		case r == '\'' || r == '"':
			end := strings.IndexAny(expr[i+1:], `'"`)
			if end < 0 {
				return nil, errors.New("Unclosed string literal")
			}
			tokens = append(tokens, token{tokenText, expr[i+1 : i+1+end]})
			i += end + 2
		case unicode.IsLetter(r):
			n := span(expr[i:], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' })
			tokens = append(tokens, token{tokenWord, expr[i : i+n]})
			i += n
		case unicode.IsDigit(r) || r == '.' || r == '-':
			n := size + span(expr[i+size:], func(r rune) bool { return unicode.IsDigit(r) || r == '.' })
			tokens = append(tokens, token{tokenNumber, expr[i : i+n]})
			i += n
		default:
			return nil, fmt.Errorf("Invalid token: '%c'", r)
		}
	}
	if balance != 0 {
		return nil, errors.New("Unbalanced parenthesis")
	}
	return tokens, nil
}

func span(s string, in func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); i >= 0 {
		return i
	}
	return len(s)
}

type parser struct {
	tokens     []token
	depth      int
	identities []*msppb.MSPPrincipal
}

// argument is what stands between the commas of a gate: a number, a rule, or a principal that has no number yet.
type argument struct {
	token
	rule *commonpb.SignaturePolicy
}

func (p *parser) expression() (*commonpb.SignaturePolicy, error) {
	if len(p.tokens) == 0 {
		return nil, errors.New("Unexpected end of expression")
	}
	arg, err := p.argument()
	if err != nil {
		return nil, err
	}
	if next := p.peek(); next.kind != tokenEnd {
		return nil, fmt.Errorf("invalid policy string: unexpected %s after the end of the policy", next)
	}
	switch {
	case arg.rule != nil:
		return arg.rule, nil
	case arg.kind == tokenText && principal.MatchString(arg.text):
		return nil, fmt.Errorf("invalid policy string: a principal alone is no policy, write OR(%s)", arg)
	case arg.kind == tokenText:
		return nil, unrecognized(arg.text)
	}
	return nil, fmt.Errorf("invalid policy string '%s'", arg.text)
}

func (p *parser) argument() (argument, error) {
	t := p.next()
	switch {
	case t.kind == tokenText || t.kind == tokenNumber:
		return argument{token: t}, nil
	case t.kind == tokenSymbol && t.text == "(":
		arg, err := p.nested(p.argument)
		if err == nil {
			err = p.symbol(")")
		}
		return arg, err
	case t.kind != tokenWord:
		return argument{}, fmt.Errorf("invalid policy string: expected a gate or a principal, got %s", t)
	}
	if next := p.peek(); next.kind != tokenSymbol || next.text != "(" {
		return argument{}, unrecognized(t.text)
	}
	switch t.text {
	case "AND", "And", "and", "OR", "Or", "or", "OutOf", "outof", "OUTOF":
	default:
		return argument{}, fmt.Errorf("Undefined function %s", t.text)
	}
	return p.nested(func() (argument, error) {
		rule, err := p.gate(strings.ToLower(t.text))
		return argument{rule: rule}, err
	})
}

func (p *parser) nested(parse func() (argument, error)) (argument, error) {
	if p.depth++; p.depth > maxDepth {
		return argument{}, fmt.Errorf("invalid policy string: gates nest deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	return parse()
}

func (p *parser) gate(name string) (*commonpb.SignaturePolicy, error) {
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	var n int64
	given := len(args)
	switch {
	case name == "and":
		n, given = int64(len(args)), given+1
	case name == "or":
		n, given = 1, given+1
	case given >= 2:
		if n, err = threshold(args[0]); err != nil {
			return nil, err
		}
		args = args[1:]
	}
	if given < 2 {
		return nil, fmt.Errorf("Expected at least two arguments to NOutOf. Given %d", given)
	}
	if n < 0 || n > int64(len(args))+1 {
		return nil, fmt.Errorf("Invalid t-out-of-n predicate, t %d, n %d", n, len(args))
	}
	rules := make([]*commonpb.SignaturePolicy, len(args))
	for i, arg := range args {
		if rules[i], err = p.rule(arg); err != nil {
			return nil, err
		}
	}
	return NOutOf(int32(n), rules...), nil
}

// arguments reads a parenthesised list, which may be empty.
func (p *parser) arguments() ([]argument, error) {
	if err := p.symbol("("); err != nil {
		return nil, err
	}
	if next := p.peek(); next.kind == tokenSymbol && next.text == ")" {
		p.next()
		return nil, nil
	}
	var args []argument
	for {
		arg, err := p.argument()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		switch t := p.next(); {
		case t.kind == tokenSymbol && t.text == ")":
			return args, nil
		case t.kind != tokenSymbol || t.text != ",":
			return nil, fmt.Errorf("invalid policy string: expected ',' or ')', got %s", t)
		}
	}
}

// rule turns an argument into a rule; a principal gets the next number.
func (p *parser) rule(arg argument) (*commonpb.SignaturePolicy, error) {
	if arg.rule != nil {
		return arg.rule, nil
	}
	if arg.kind == tokenNumber {
		return nil, errors.New("Unexpected type float64")
	}
	parts := principal.FindStringSubmatch(arg.text)
	if parts == nil {
		return nil, unrecognized(arg.text)
	}
	p.identities = append(p.identities, msp.Role(parts[1], roles[Role(parts[2])]))
	return SignedBy(int32(len(p.identities) - 1)), nil
}

// threshold reads the first argument of OutOf. A fraction is cut off, as Fabric does.
func threshold(arg argument) (int64, error) {
	if arg.rule != nil {
		return 0, errors.New("Unrecognized type, expected a number, got *common.SignaturePolicy")
	}
	if strings.Trim(arg.text, "0123456789.-") != "" {
		return 0, unrecognized(arg.text)
	}
	n, err := strconv.ParseFloat(arg.text, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("Unable to parse numeric value '%s' to float64", arg.text)
	case !(n > -1e15 && n < 1e15):
		return 0, fmt.Errorf("Invalid t-out-of-n predicate, t %s", arg.text)
	}
	return int64(n), nil
}

func unrecognized(text string) error {
	return fmt.Errorf("unrecognized token '%s' in policy string: expected a gate or '<MSP id>.<role>' with one of the roles member, admin, client, peer, orderer", text)
}

func (p *parser) symbol(s string) error {
	if t := p.next(); t.kind != tokenSymbol || t.text != s {
		return fmt.Errorf("invalid policy string: expected '%s', got %s", s, t)
	}
	return nil
}

func (p *parser) peek() token {
	if len(p.tokens) == 0 {
		return token{}
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}
