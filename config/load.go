package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is something wrong with a configuration.
type Problem struct {
	Where string // "core.yaml:41", or the environment variable
	Text  string
}

func (p Problem) Error() string {
	if p.Where == "" {
		return p.Text
	}
	return p.Where + ": " + p.Text
}

// Problems is every Problem found, in file order.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Notice tells of something harmless that a user may want to know, such as keys that are not used. It is for the log.
type Notice struct {
	Where string
	Text  string
}

func (n Notice) String() string { return n.Where + ": " + n.Text }

// OfficialPath is where a configuration is looked for last.
const OfficialPath = "/etc/hyperledger/fabric"

// LoadCore finds and reads core.yaml. env is the process environment, as os.Environ gives it.
func LoadCore(env []string) (*Core, []Notice, error) {
	file, err := find("core", env)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("error when reading core config file: %w", err)
	}
	return ParseCore(file, data, env)
}

// ParseCore reads the text of a core.yaml. file gives the directory that relative paths start from, and the name problems are told with.
func ParseCore(file string, data []byte, env []string) (*Core, []Notice, error) {
	c := defaultCore()
	c.File = file
	l, err := load(file, data, Options{Prefix: "CORE", Env: env, Ignored: ignoredCore, PassStrangers: true}, c)
	if err != nil {
		return nil, nil, err
	}
	c.origins = l.origins
	completeCore(c)
	return c, l.notices, nil
}

// LoadOrderer finds and reads orderer.yaml. env is the process environment, as os.Environ gives it.
func LoadOrderer(env []string) (*Orderer, []Notice, error) {
	file, err := find("orderer", env)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("Error reading configuration: %w", err)
	}
	return ParseOrderer(file, data, env)
}

// ParseOrderer reads the text of an orderer.yaml, as ParseCore does.
func ParseOrderer(file string, data []byte, env []string) (*Orderer, []Notice, error) {
	o := defaultOrderer()
	o.File = file
	l, err := load(file, data, Options{Prefix: "ORDERER", Env: env, Ignored: ignoredOrderer}, o)
	if err != nil {
		return nil, nil, err
	}
	o.origins = l.origins
	completeOrderer(o, filepath.Dir(file))
	return o, l.notices, nil
}

// FindFile looks for <name>.yaml (or .yml) where Fabric looks: the directory FABRIC_CFG_PATH names and no other, else the working
// directory, then OfficialPath.
func FindFile(name string, env []string) (string, error) { return find(name, env) }

func find(name string, env []string) (string, error) {
	dirs := []string{".", OfficialPath}
	if dir := lookup(env, "FABRIC_CFG_PATH"); dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return "", fmt.Errorf("FABRIC_CFG_PATH %s does not exist", dir)
		}
		dirs = []string{dir}
	}
	for _, dir := range dirs {
		for _, ext := range []string{".yaml", ".yml"} {
			file := filepath.Join(dir, name+ext)
			switch _, err := os.Stat(file); {
			case err == nil:
				return filepath.Abs(file)
			case !errors.Is(err, fs.ErrNotExist):
				return "", fmt.Errorf("looking for %s: %w", file, err)
			}
		}
	}
	return "", fmt.Errorf("Could not find config file. Please make sure that FABRIC_CFG_PATH is set to a path which contains %s.yaml", name)
}

// lookup finds a variable in an environment list; the last one counts.
func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// Options says how Decode reads a file.
type Options struct {
	Prefix  string   // of environment variables, without its underscore; empty: none overrides anything
	Env     []string // the environment, as os.Environ gives it
	Root    string   // if set, variables name keys below this key, and no others
	Ignored string   // keys that are known and not used, one section to a line: "section: key key.sub opaque.*"

	// PassStrangers makes a key that is like no known one a notice instead of a problem, since Fabric passes over all it does not know in core.yaml
	// and refuses them in orderer.yaml.
	PassStrangers bool
}

// Decode fills the struct that into points at from a YAML file's text. Fields take part by their tag, key:"name", with these options after
// a comma: path (relative to the file's directory), seconds (a bare number counts seconds), ignored (known, not used; the field may be
// blank). Fields may be strings, booleans, integers, durations, Sizes, structs, pointers to structs, and lists and maps of those. A key the
// file does not give leaves its field as it is. Environment variables reach every key but those in lists, and add no map entries.
func Decode(file string, data []byte, o Options, into any) ([]Notice, error) {
	l, err := load(file, data, o, into)
	if err != nil {
		return nil, err
	}
	return l.notices, nil
}

// origins tells where a key's value came from, by lower-case key.
type origins map[string]string

// loader fills one configuration struct.
type loader struct {
	file     string // base name, for messages
	dir      string // relative paths start here
	options  Options
	env      map[string]string
	ignored  *ignored
	known    []string // every key, as documented
	origins  origins
	problems Problems
	lines    []int // of problems, for sorting
	reported map[reported]bool
	noted    map[*yaml.Node]bool // keys that a notice is about
	notices  []Notice
	budget   int // nodes that may still be visited: aliases may repeat
}

// reported is a problem at a node: aliases lead to the same node again.
type reported struct {
	node *yaml.Node
	text string
}

// maxNodes bounds the work that aliases inside a file can cause.
const maxNodes = 100000

func load(file string, data []byte, o Options, into any) (*loader, error) {
	l := &loader{
		file: filepath.Base(file), dir: filepath.Dir(file), options: o, env: prefixed(o.Env, o.Prefix),
		ignored: parseIgnored(o.Ignored), origins: origins{}, reported: map[reported]bool{}, noted: map[*yaml.Node]bool{}, budget: maxNodes,
	}
	l.known = append(keysOf(into), l.ignored.keys...)
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, Problems{yamlProblem(l.file, data, err)}
	}
	var root *yaml.Node
	if len(doc.Content) > 0 {
		root = doc.Content[0]
	}
	l.fillRoot(into, root)
	l.checkEnvironment()
	l.collectNotices()
	if len(l.problems) > 0 {
		sort.Stable(byLine{l})
		return nil, l.problems
	}
	return l, nil
}

// yamlProblem moves the line number of a YAML syntax error to where Problem has it. The library gives none for an unknown anchor.
func yamlProblem(file string, data []byte, err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		_, text, _ = strings.Cut(text, ": ")
	} else if anchor, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		anchor = "*" + strings.TrimSuffix(anchor, "' referenced")
		if at := bytes.Index(data, []byte(anchor)); at >= 0 {
			line = 1 + bytes.Count(data[:at], []byte("\n"))
		}
	}
	if line == 0 {
		return Problem{Where: file, Text: text}
	}
	return Problem{Where: fmt.Sprintf("%s:%d", file, line), Text: text}
}

// prefixed picks the variables that may override keys. An empty variable overrides nothing.
func prefixed(env []string, prefix string) map[string]string {
	m := map[string]string{}
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); prefix != "" && strings.HasPrefix(name, prefix+"_") && value != "" {
			m[name] = value
		}
	}
	return m
}

// variable is the environment variable of a key; empty if it has none.
func (l *loader) variable(key string) string {
	if l.options.Root != "" {
		below, ok := strings.CutPrefix(key, l.options.Root+".")
		if !ok {
			return ""
		}
		key = below
	}
	if strings.Contains(key, "[") {
		return ""
	}
	return l.options.Prefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// problem reports something at a node, in words that do not change with the way that led there; where is put before them.
func (l *loader) problem(node *yaml.Node, where, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r := (reported{node, text}); !l.reported[r] {
		l.reported[r] = true
		l.problems = append(l.problems, Problem{Where: l.at(node), Text: where + text})
		l.lines = append(l.lines, node.Line)
	}
}

func (l *loader) envProblem(variable, format string, args ...any) {
	l.problems = append(l.problems, Problem{Where: variable, Text: fmt.Sprintf(format, args...)})
	l.lines = append(l.lines, environmentLine)
}

// byLine sorts problems by their line, those of the environment last.
type byLine struct{ *loader }

func (b byLine) Len() int           { return len(b.problems) }
func (b byLine) Less(i, j int) bool { return b.lines[i] < b.lines[j] }
func (b byLine) Swap(i, j int) {
	b.problems[i], b.problems[j] = b.problems[j], b.problems[i]
	b.lines[i], b.lines[j] = b.lines[j], b.lines[i]
}

// absolute makes a path that is relative to a configuration file's directory absolute; an empty path stays empty.
func absolute(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
