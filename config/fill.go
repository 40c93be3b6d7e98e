package config

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a tagged struct field: its key, and how its value is read.
type field struct {
	name    string
	path    bool // relative to the file's directory
	seconds bool // a bare number counts seconds
	ignored bool // known, not used; the field is not set
	index   int
}

func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("key")
		if !ok {
			continue
		}
		words := strings.Split(tag, ",")
		is := func(option string) bool { return slices.Contains(words[1:], option) }
		fields = append(fields, field{
			name: words[0], path: is("path"), seconds: is("seconds"), ignored: is("ignored"), index: i,
		})
	}
	return fields
}

// keysOf lists every key a struct holds, leaves and sections, down to lists and maps.
func keysOf(into any) []string {
	var keys []string
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for _, f := range fieldsOf(t) {
			keys = append(keys, prefix+f.name)
			ft := t.Field(f.index).Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			if ft.Kind() == reflect.Struct {
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
	key   *yaml.Node
	value *yaml.Node
	used  bool
}

func (l *loader) fillRoot(into any, root *yaml.Node) {
	if root != nil && !isNull(root) && root.Kind != yaml.MappingNode {
		l.problem(root, "", "the file must be a mapping of keys to values")
		root = nil
	}
	l.fillStruct(reflect.ValueOf(into).Elem(), "", root)
}

// fillStruct sets the fields of v from the environment and the mapping node (nil if the file has none), and reports keys nobody knows.
func (l *loader) fillStruct(v reflect.Value, prefix string, node *yaml.Node) {
	entries := l.entries(node, prefix, strings.ToLower)
	fields := fieldsOf(v.Type())
	for _, f := range fields {
		e := entries[strings.ToLower(f.name)]
		if e != nil {
			e.used = true
		}
		if f.ignored {
			l.noteField(strings.TrimSuffix(prefix, "."), prefix+f.name, e)
			continue
		}
		l.fillField(v.Field(f.index), f, prefix+f.name, e)
	}
	l.reportRest(entries, prefix, fields)
}

// fillField sets a field from the environment, or else from the file. e is nil when the file does not have the key.
func (l *loader) fillField(v reflect.Value, f field, key string, e *entry) {
	if v.Kind() == reflect.Struct {
		var node *yaml.Node
		if e != nil {
			node = l.mapping(e, key)
		}
		l.fillStruct(v, key+".", node)
		return
	}
	if text, ok := l.env[l.variable(key)]; ok && v.Kind() != reflect.Pointer {
		l.origins[strings.ToLower(key)] = l.variable(key)
		if err := l.setText(v, f, text); err != nil {
			l.envProblem(l.variable(key), "%s %s", key, err)
		}
		return
	}
	if e != nil && !isNull(e.value) {
		l.origins[strings.ToLower(key)] = l.at(e.key)
		l.setNode(v, f, key, e)
	}
}

// mapping is the node of a section; nil, with a problem unless it is empty, when it is none.
func (l *loader) mapping(e *entry, key string) *yaml.Node {
	if isNull(e.value) {
		return nil
	}
	node := resolve(e.value)
	if node.Kind != yaml.MappingNode {
		l.problem(e.key, key, " must be a section with keys below it")
		return nil
	}
	return node
}

// setNode sets v from a value that is there.
func (l *loader) setNode(v reflect.Value, f field, key string, e *entry) {
	node := resolve(e.value)
	switch v.Kind() {
	case reflect.Struct:
		l.fillStruct(v, key+".", l.mapping(e, key))
	case reflect.Pointer:
		if node := l.mapping(e, key); node != nil {
			v.Set(reflect.New(v.Type().Elem()))
			l.fillStruct(v.Elem(), key+".", node)
		}
	case reflect.Slice:
		l.setSlice(v, f, key, e)
	case reflect.Map:
		l.setMap(v, f, key, e)
	default:
		if node.Kind != yaml.ScalarNode {
			l.problem(e.key, key, " must be a single value")
			return
		}
		if err := l.setText(v, f, node.Value); err != nil {
			l.problem(e.key, key, " %s", err)
		}
	}
}

// setSlice takes a sequence, or one scalar as environment variables have it.
func (l *loader) setSlice(v reflect.Value, f field, key string, e *entry) {
	node := resolve(e.value)
	if node.Kind == yaml.ScalarNode {
		if err := l.setText(v, f, node.Value); err != nil {
			l.problem(e.key, key, " %s", err)
		}
		return
	}
	if node.Kind != yaml.SequenceNode {
		l.problem(e.key, key, " must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(node.Content))
	for i, n := range node.Content {
		if !l.spend(n) {
			return
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if isNull(n) {
			l.problem(n, key, " has an empty entry")
			continue
		}
		l.setNode(item, f, fmt.Sprintf("%s[%d]", key, i), &entry{key: n, value: n})
		out = reflect.Append(out, item)
	}
	v.Set(out)
}

// setMap takes a mapping, whose keys are names as they are spelt.
func (l *loader) setMap(v reflect.Value, f field, key string, e *entry) {
	node := l.mapping(e, key)
	if node == nil {
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, item := range sorted(l.entries(node, key+".", func(name string) string { return name })) {
		value := reflect.New(v.Type().Elem()).Elem()
		l.fillField(value, f, key+"."+item.name, item)
		out.SetMapIndex(reflect.ValueOf(item.name), value)
	}
	v.Set(out)
}

// entries indexes a mapping by key, folded. Keys given outright win over those merged in with <<.
func (l *loader) entries(node *yaml.Node, prefix string, fold func(string) string) map[string]*entry {
	m := map[string]*entry{}
	l.addEntries(m, node, prefix, fold, 0)
	return m
}

// maxMerges bounds how deep << may nest: an alias can name the mapping it stands in.
const maxMerges = 20

func (l *loader) addEntries(m map[string]*entry, node *yaml.Node, prefix string, fold func(string) string, merges int) {
	node = resolve(node)
	if node == nil || node.Kind != yaml.MappingNode || merges > maxMerges {
		return
	}
	var merged []*yaml.Node
	own := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		k, v := node.Content[i], node.Content[i+1]
		if !l.spend(k) {
			return
		}
		if k.Kind == yaml.ScalarNode && k.Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			l.problem(k, "", "a key must be a plain word")
			continue
		}
		name := fold(k.Value)
		if first, twice := own[name]; twice {
			l.problem(k, prefix+k.Value, " is given twice (first at line %d)", first)
			continue
		}
		own[name] = k.Line
		if m[name] == nil {
			m[name] = &entry{name: k.Value, key: k, value: v}
		}
	}
	for _, v := range merged {
		if v = resolve(v); v != nil && v.Kind == yaml.SequenceNode {
			for _, n := range v.Content {
				l.addEntries(m, n, prefix, fold, merges+1)
			}
			continue
		}
		l.addEntries(m, v, prefix, fold, merges+1)
	}
}

// spend counts a visited node, and reports once when there are too many.
func (l *loader) spend(n *yaml.Node) bool {
	l.budget--
	if l.budget == 0 {
		l.problem(n, "", "the file is too large, or its aliases repeat too much")
	}
	return l.budget > 0
}

func sorted(entries map[string]*entry) []*entry {
	list := make([]*entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.key.Line != b.key.Line {
			return a.key.Line < b.key.Line
		}
		return a.key.Column < b.key.Column
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
