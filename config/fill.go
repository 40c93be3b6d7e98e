package config

import (
	"reflect"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a tagged struct field: its key, and how its value is read.
type field struct {
	name    string
	path    bool // relative to the file's directory
	seconds bool // a bare number counts seconds
	index   int
}

func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("key")
		if !ok {
			continue
		}
		name, kind, _ := strings.Cut(tag, ",")
		fields = append(fields, field{name: name, path: kind == "path", seconds: kind == "seconds", index: i})
	}
	return fields
}

// keysOf lists every key a struct holds, leaves and sections.
func keysOf(into any) []string {
	var keys []string
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for _, f := range fieldsOf(t) {
			keys = append(keys, prefix+f.name)
			if ft := t.Field(f.index).Type; ft.Kind() == reflect.Struct {
				walk(ft, prefix+f.name+".")
			}
		}
	}
	walk(reflect.TypeOf(into).Elem(), "")
	return keys
}

// entry is one key of a YAML mapping.
type entry struct {
	name  string
	line  int
	value *yaml.Node
	used  bool
}

func (l *loader) fillRoot(into any, root *yaml.Node) {
	if root != nil && !isNull(root) && root.Kind != yaml.MappingNode {
		l.problem(root.Line, "the file must be a mapping of keys to values")
		root = nil
	}
	l.fillStruct(reflect.ValueOf(into).Elem(), "", root)
}

// fillStruct sets the fields of v from the environment and the mapping node (nil if the file has none), and reports keys nobody knows.
func (l *loader) fillStruct(v reflect.Value, prefix string, node *yaml.Node) {
	entries := l.entries(node, prefix)
	for _, f := range fieldsOf(v.Type()) {
		key := prefix + f.name
		e := entries[strings.ToLower(f.name)]
		if e != nil {
			e.used = true
		}
		l.fillField(v.Field(f.index), f, key, e)
	}
	l.reportRest(entries, prefix)
}

func (l *loader) fillField(v reflect.Value, f field, key string, e *entry) {
	if v.Kind() == reflect.Struct {
		var node *yaml.Node
		if e != nil && !isNull(e.value) {
			if resolve(e.value).Kind == yaml.MappingNode {
				node = e.value
			} else {
				l.problem(e.line, "%s must be a section with keys below it", key)
			}
		}
		l.fillStruct(v, key+".", node)
		return
	}
	if text, ok := l.env[l.variable(key)]; ok {
		l.origins[strings.ToLower(key)] = l.variable(key)
		if err := l.setText(v, f, text); err != nil {
			l.envProblem(l.variable(key), "%s %s", key, err)
		}
		return
	}
	if e == nil || isNull(e.value) {
		return
	}
	l.origins[strings.ToLower(key)] = l.at(e.line)
	l.setNode(v, f, key, e)
}

// setNode sets a leaf field from its YAML value.
func (l *loader) setNode(v reflect.Value, f field, key string, e *entry) {
	node := resolve(e.value)
	switch v.Kind() {
	case reflect.Slice:
		l.setSlice(v, f, key, e.line, node)
	case reflect.Map:
		l.setMap(v, f, key, e.line, node)
	default:
		if node.Kind != yaml.ScalarNode {
			l.problem(e.line, "%s must be a single value", key)
			return
		}
		if err := l.setText(v, f, node.Value); err != nil {
			l.problem(e.line, "%s %s", key, err)
		}
	}
}

// setSlice takes a sequence, or one scalar as environment variables have it.
func (l *loader) setSlice(v reflect.Value, f field, key string, line int, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		if err := l.setText(v, f, node.Value); err != nil {
			l.problem(line, "%s %s", key, err)
		}
		return
	}
	if node.Kind != yaml.SequenceNode {
		l.problem(line, "%s must be a list", key)
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(node.Content))
	for _, n := range node.Content {
		if !l.spend(n.Line) {
			return
		}
		item := reflect.New(v.Type().Elem()).Elem()
		l.setItem(item, f, key, n)
		out = reflect.Append(out, item)
	}
	v.Set(out)
}

// setMap takes a mapping; its keys keep the file's spelling in lower case, as viper has them.
func (l *loader) setMap(v reflect.Value, f field, key string, line int, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		l.problem(line, "%s must be a section with keys below it", key)
		return
	}
	out := reflect.MakeMap(v.Type())
	for name, e := range l.entries(node, key+".") {
		item := reflect.New(v.Type().Elem()).Elem()
		l.setItem(item, f, key+"."+e.name, e.value)
		out.SetMapIndex(reflect.ValueOf(name), item)
	}
	v.Set(out)
}

func (l *loader) setItem(v reflect.Value, f field, key string, n *yaml.Node) {
	switch node := resolve(n); {
	case v.Kind() == reflect.Struct && (node.Kind == yaml.MappingNode || isNull(node)):
		l.fillItem(v, key, node)
	case isNull(node):
	case node.Kind != yaml.ScalarNode || v.Kind() == reflect.Struct:
		l.problem(n.Line, "%s has an entry of the wrong form", key)
	default:
		if err := l.setText(v, f, node.Value); err != nil {
			l.problem(n.Line, "%s %s", key, err)
		}
	}
}

// fillItem sets the fields of a list's or map's struct, which the environment cannot reach.
func (l *loader) fillItem(v reflect.Value, key string, node *yaml.Node) {
	entries := l.entries(node, key+".")
	for _, f := range fieldsOf(v.Type()) {
		e := entries[strings.ToLower(f.name)]
		if e == nil {
			continue
		}
		e.used = true
		if !isNull(e.value) {
			l.setNode(v.Field(f.index), f, key+"."+f.name, e)
		}
	}
	for _, e := range sorted(entries) {
		if !e.used {
			l.problem(e.line, "%s.%s is not a known key", key, e.name)
		}
	}
}

// entries indexes a mapping by lower-case key. Keys given outright win over those merged in with <<.
func (l *loader) entries(node *yaml.Node, prefix string) map[string]*entry {
	m := map[string]*entry{}
	l.addEntries(m, node, prefix, 0)
	return m
}

// maxMerges bounds how deep << may nest: an alias can name the mapping it stands in.
const maxMerges = 20

func (l *loader) addEntries(m map[string]*entry, node *yaml.Node, prefix string, merges int) {
	node = resolve(node)
	if node == nil || node.Kind != yaml.MappingNode || merges > maxMerges {
		return
	}
	var merged []*yaml.Node
	own := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		k, v := node.Content[i], node.Content[i+1]
		if !l.spend(k.Line) {
			return
		}
		if k.Kind == yaml.ScalarNode && k.Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			l.problem(k.Line, "a key must be a plain word")
			continue
		}
		name := strings.ToLower(k.Value)
		if first, twice := own[name]; twice {
			l.problem(k.Line, "%s%s is given twice (first at line %d)", prefix, k.Value, first)
			continue
		}
		own[name] = k.Line
		if m[name] == nil {
			m[name] = &entry{name: k.Value, line: k.Line, value: v}
		}
	}
	for _, v := range merged {
		if v = resolve(v); v.Kind == yaml.SequenceNode {
			for _, n := range v.Content {
				l.addEntries(m, n, prefix, merges+1)
			}
			continue
		}
		l.addEntries(m, v, prefix, merges+1)
	}
}

// spend counts a visited node, and reports once when there are too many.
func (l *loader) spend(line int) bool {
	l.budget--
	if l.budget == 0 {
		l.problem(line, "the file is too large, or its aliases repeat too much")
	}
	return l.budget > 0
}

func sorted(entries map[string]*entry) []*entry {
	list := make([]*entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].line != list[j].line {
			return list[i].line < list[j].line
		}
		return list[i].name < list[j].name
	})
	return list
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < maxMerges; i++ {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = resolve(n)
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}
