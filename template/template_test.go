package template

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	texttemplate "text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// data has one of everything that templates are filled in with.
type data struct {
	Prefix, Hostname, Domain string
	Index                    int
	Small                    uint8
	Share                    float64
	Yes, No                  bool
	Names, None              []string
	Orgs                     []*org
	Nobody                   *org
	Any, Nil, Blank, Zero    any
	Anys                     []any
	Flag                     flag
	NaN                      float64
	Took                     time.Duration
	hidden                   string
	inner
}

type org struct {
	Name string
	Port int
}

type flag bool

type inner struct{ Outer string }

func some() data {
	return data{
		Prefix: "peer", Hostname: "peer0", Domain: "org1.example.com", Index: 7, Small: 3, Share: 2.5, Yes: true,
		Names: []string{"a", "b<c>", `"d" & 'e'`}, Orgs: []*org{{"Org1", 7051}, {"Org2", 9051}}, Any: org{"Org3", 1}, Took: 15,
		Blank: "", Zero: 0, Anys: []any{"", 0, false, nil, "x"}, Flag: true, NaN: math.NaN(),
		hidden: "hidden", inner: inner{"outer"},
	}
}

var funcs = Funcs{
	"double": func(n int) int { return 2 * n },
	"half":   func(x float64) float64 { return x / 2 },
	"join":   func(sep string, s ...string) string { return strings.Join(s, sep) },
	"org":    func(o *org, s []string) string { return fmt.Sprint(o == nil, s == nil) },
	"negate": func(f flag) flag { return !f },
	"fail":   func() (string, error) { return "", fmt.Errorf("failed") },
	"good":   func() (string, error) { return "good", nil },
}

// templates are what the language can say, and what it can't.
var templates = []string{
	``, `plain`, `{{.Prefix}}{{.Index}}`, `{{.Hostname}}.{{.Domain}}`, `{{printf "%s%02d" .Prefix .Index}}`, `{{.}}`, `{{$}}`, `{{$.Index}}`,
	`a {{- .Index -}} b`, `{{/* comment */}}x`, `{{.inner}}`, `{{.hidden}}`, `{{.Outer}}`, `{{.Absent}}`, `{{.Prefix.Absent}}`, `{{.Nobody}}`, `{{.Nobody.Name}}`,
	`{{.Any.Name}}`, `{{(.Any).Port}}`, `{{.Nil}}`, `{{.Nil.Name}}`, `{{.Nil.Name.More}}`, `{{.Took}}`, `{{.Orgs}}`, `{{(index .Orgs 1).Name}}`, `{{.Small}} {{.Share}}`,
	`{{if .Yes}}y{{else}}n{{end}}`, `{{if .No}}y{{else if .Index}}i{{else}}n{{end}}`, `{{if .None}}y{{end}}`, `{{if .Nobody}}y{{end}}`, `{{if .Nil}}y{{end}}`, `{{if .Any}}y{{end}}`,
	`{{if not .No}}y{{end}}`, `{{if and .Yes .Index}}y{{end}}`, `{{and .No .Absent}}`, `{{or .Yes .Absent}}`, `{{.Yes | and .No}}`, `{{.Yes | or .No}}`, `{{and}}`, `{{or .No 0 "x"}}`, `{{or .Blank "x"}} {{or .Zero 1}} {{and .Blank "x"}}`, `{{range .Anys}}{{or . "none"}};{{if .}}y{{end}}{{end}}`, `{{nil | not}}`,
	`{{range .Names}}[{{.}}]{{end}}`, `{{range .None}}x{{else}}none{{end}}`, `{{range $i, $n := .Names}}{{if $i}}, {{end}}{{$n}}{{end}}`, `{{range $n := .Names}}{{$n}}{{end}}`,
	`{{range 3}}{{.}}{{end}}`, `{{range $i := .Small}}{{$i}}{{end}}`, `{{range $i, $j := 3}}{{end}}`, `{{range 0}}x{{else}}zero{{end}}`, `{{range -3}}x{{else}}less{{end}}`, `{{range .Prefix}}{{end}}`, `{{range .Nil}}x{{else}}nil{{end}}`, `{{range .Nobody}}x{{else}}nil{{end}}`,
	`{{range .Orgs}}{{.Name}}:{{.Port}} {{$.Domain}} {{end}}`, `{{range .Names}}{{if eq . "b<c>"}}{{continue}}{{end}}{{.}}{{end}}`, `{{range .Names}}{{.}}{{break}}{{end}}`,
	`{{range .Names}}{{range 3}}{{if eq . 1}}{{break}}{{end}}{{.}}{{end}};{{end}}`, `{{range .Names}}{{$x := .}}{{$x}}{{end}}`,
	`{{$x := 1}}{{range .Names}}{{$x = .}}{{end}}{{$x}}`, `{{$x := 1}}{{if .Yes}}{{$x := 2}}{{$x}}{{end}}{{$x}}`, `{{$i := 0}}{{$n := 0}}{{range $i, $n = .Names}}{{end}}{{$i}}{{$n}}`, `{{$n := 0}}{{range $n = .Names}}{{end}}{{$n}}`,
	`{{with .Any}}{{.Name}}{{end}}`, `{{with .Nil}}x{{else}}none{{end}}`, `{{with .Nil}}x{{else with .Domain}}{{.}}{{end}}`, `{{with $o := index .Orgs 0}}{{$o.Name}}{{.Port}}{{end}}`, `{{if $x := .Index}}{{$x}}{{end}}`,
	`{{define "t"}}<{{.}}>{{end}}{{template "t" .Index}}{{template "t"}}{{template "none"}}`, `{{block "b" .Domain}}[{{.}}]{{end}}`, `{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}`, `{{define "t"}}{{.Absent}}{{end}}{{template "t" .}}`,
	`{{eq 1 1}} {{eq .Index 8 7}} {{eq .Small 3}} {{eq 3 .Small}} {{eq "a" "b"}} {{eq .Yes true}} {{eq 1.5 1.5}} {{eq .Any .Any}} {{eq .Nil nil}} {{eq .Index nil}} {{ne 1 2}}`, `{{eq 1}}`, `{{eq 1 "1"}}`, `{{eq 1 1.0}}`, `{{eq .Names .Names}}`, `{{eq .Index .Took}}`,
	`{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge "b" "a"}} {{lt .Small 4}} {{lt -1 .Small}} {{lt 1.5 2.5}}`, `{{eq .Flag true}} {{eq .NaN .NaN}} {{ne .NaN .NaN}} {{lt .NaN 1.0}} {{le .NaN 1.0}} {{gt .NaN 1.0}} {{ge .NaN 1.0}}`, `{{ne .Index .None}}`, `{{eq .Nobody "x"}}`, `{{ne .Nobody .Any}}`, `{{ne .Names .Any}}`, `{{eq .Nobody nil}} {{eq nil .Nobody}} {{eq .None nil}} {{ne .Names nil}}`, `{{lt true false}}`, `{{lt 1 "2"}}`, `{{lt .Nil 1}}`, `{{lt 1}}`,
	`{{len .Names}} {{len .Domain}}`, `{{len 3}}`, `{{len .Nil}}`, `{{len .Nobody}}`, `{{index .Names 0}} {{index .Domain 0}}`, `{{index .Names 9}}`, `{{index .Names -1}}`, `{{index .Names "0"}}`, `{{index .Names 1.0}}`, `{{index .Names nil}}`, `{{index 3 0}}`, `{{index .Names .Small}}`, `{{index .Names}}`, `{{index nil}}`, `{{index .Names 2 1}}`,
	`{{slice .Domain 3}} {{slice .Domain 0 4}} {{slice .Names 1}} {{slice .Domain}}`, `{{slice .Domain 4 3}}`, `{{slice .Domain 0 99}}`, `{{slice 3}}`, `{{slice .Nil 1}}`, `{{slice .Domain 1 2 3}}`,
	`{{print 1 2 "x" "y" .Nil}}`, `{{println .Index "x"}}`, `{{printf "%v %q %d %t" .Any .Domain .Index .Yes}}`, `{{.Domain | printf "%s-%s" .Prefix}}`, `{{printf 1}}`, `{{printf}}`, `{{printf "%d" nil}}`,
	`{{html .Names}} {{html "<" "&"}} {{.Domain | html}} {{html .Nil}}`, `{{urlquery "a b&c" .Index}}`,
	`{{double 4}} {{double .Index}} {{half 3}} {{half 2.5}} {{join "-" "a" "b"}} {{good}} {{org nil nil}} {{negate true}}`, `{{double 1.5}}`, `{{"b" | join "-" "a"}}`, `{{join}}`, `{{fail}}`, `{{double}}`, `{{double 1 2}}`, `{{double "x"}}`, `{{double nil}}`, `{{join "-" 1}}`, `{{good | printf "%s"}}`, `{{printf "%s" (good)}}`, `{{printf "%s" good}}`,
	`{{1}} {{-1}} {{1.5}} {{1e3}} {{0x1F}} {{'a'}} {{'p'}} {{printf "%c%c" 'p' 'P'}} {{0b11}} {{1_000}} {{0xFFp1}} {{true}} {{"s"}} {{` + "`raw`" + `}}`, `{{18446744073709551615}}`, `{{9223372036854775808}}`, `{{nil}}`, `{{1 2}}`, `{{.Index 1}}`, `{{1 | .Index}}`, `{{$x := 1}}{{$x 2}}`, `{{. 1}}`, `{{(1) 2}}`, `{{"s".Name}}`, `{{(.Any).Absent}}`, `{{(print "x").Name}}`, `{{$.Any.Name}}`, `{{$o := .Any}}{{$o.Port}}`,
	`{{`, `{{end}}`, `{{.X`, `{{if}}{{end}}`, `{{unknown}}`, `{{$x}}`, `{{range .Names}}`, `{{break}}`,
}

// TestLikeTextTemplate holds every template against the standard library's.
func TestLikeTextTemplate(t *testing.T) {
	for _, text := range templates {
		t.Run(text, func(t *testing.T) {
			data := some()
			want, wantErr := standard(text, data)
			got, err := ours(text, data)
			assert.Equal(t, want, got)
			if wantErr == nil {
				assert.NoError(t, err)
			} else {
				assert.Error(t, err, "text/template says: %s", wantErr)
			}
		})
	}
}

var (
	// long is what may take long: large numbers, to count up to or as a width.
	long = regexp.MustCompile(`[0-9a-fA-F_]{4}|[0-9][eEpPxX]|[%']`)
	// unlike is what the package doc says is unlike text/template: methods (those of a Duration), js, call, complex numbers, and functions with
	// parameters of one type, which are less particular here.
	unlike = regexp.MustCompile(`\b(js|call|double|half|org|negate|String|Nanoseconds|Microseconds|Milliseconds|Seconds|Minutes|Hours|Round|Truncate|Abs)\b|[0-9]i`)
)

// FuzzLikeTextTemplate finds templates that only one of the two can fill in, or that both fill in differently. It looks at those that both
// should fill in alike, in a short time.
func FuzzLikeTextTemplate(f *testing.F) {
	for _, text := range templates {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if long.MatchString(text) || strings.Count(text, "range") > 2 || unlike.MatchString(text) {
			return
		}
		data := some()
		want, wantErr := standard(text, data)
		got, err := ours(text, data)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: error %v, text/template's %v", text, err, wantErr)
		}
		if err == nil && got != want {
			t.Fatalf("%q: %q, text/template's %q", text, got, want)
		}
	})
}

func standard(text string, data any) (string, error) {
	var out strings.Builder
	t, err := texttemplate.New("name").Funcs(texttemplate.FuncMap(funcs)).Parse(text)
	if err != nil {
		return "", err
	}
	err = t.Execute(&out, data)
	return out.String(), err
}

func ours(text string, data any) (string, error) {
	t, err := Parse("name", text, funcs)
	if err != nil {
		return "", err
	}
	return t.Execute(data)
}

// TestErrorsSayWhere: an error names the template, its line and column, and what could not be evaluated, once.
func TestErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{{.Absent}}`: `template: name:1:2: executing "name" at <.Absent>: can't evaluate field Absent in type template.data`,
		"x\n{{if .Yes}}{{index .Names 9}}{{end}}":            `template: name:2:13: executing "name" at <index .Names 9>: error calling index: index out of range: 9`,
		`{{define "t"}}{{.Absent}}{{end}}{{template "t" .}}`: `template: name:1:16: executing "t" at <.Absent>: can't evaluate field Absent in type template.data`,
		`{{.Absent`:  `template: name:1: unclosed action`,
		`{{nosuch}}`: `template: name:1: function "nosuch" not defined`,
	} {
		_, err := ours(text, some())
		assert.EqualError(t, err, want)
	}
}

// TestHTML: actions are escaped, wherever the text comes from, and HTML is not.
func TestHTML(t *testing.T) {
	page, err := ParseHTML("page", `<p title="{{.Title}}">{{printf "<%s>" .Title}}{{.Ready}}{{range .All}}{{.}}{{end}}</p>`, nil)
	require.NoError(t, err)
	out, err := page.Execute(struct {
		Title string
		Ready HTML
		All   []HTML
	}{`"a" & <b>`, "<b>ready</b>", []HTML{"<i>", "</i>"}})
	require.NoError(t, err)
	assert.Equal(t, `<p title="&#34;a&#34; &amp; &lt;b&gt;">&lt;&#34;a&#34; &amp; &lt;b&gt;&gt;<b>ready</b><i></i></p>`, out)
}
