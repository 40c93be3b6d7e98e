package rwset

import (
	"cmp"
	"maps"
	"slices"

	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// Builder collects what a simulation reads and writes. The zero value is ready; it is not for use by several goroutines at once.
type Builder struct {
	namespaces map[string]*namespace
}

type namespace struct {
	reads    map[string]*kvrwsetpb.KVRead
	writes   map[string]*kvrwsetpb.KVWrite
	metadata map[string]*kvrwsetpb.KVMetadataWrite
	ranges   []*kvrwsetpb.RangeQueryInfo
}

// Read records that key was read at a version; nil says that it did not exist. Of several reads the last counts.
func (b *Builder) Read(ns, key string, version *kvrwsetpb.Version) {
	set(&b.namespace(ns).reads, key, &kvrwsetpb.KVRead{Key: key, Version: version})
}

// Write records a write, of which the last per key counts. An empty value is a delete, as Fabric has it.
func (b *Builder) Write(ns, key string, value []byte) {
	set(&b.namespace(ns).writes, key, &kvrwsetpb.KVWrite{Key: key, IsDelete: len(value) == 0, Value: value})
}

// WriteMetadata records the whole new metadata of a key; an empty map removes it.
func (b *Builder) WriteMetadata(ns, key string, metadata map[string][]byte) {
	w := &kvrwsetpb.KVMetadataWrite{Key: key}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		w.Entries = append(w.Entries, &kvrwsetpb.KVMetadataEntry{Name: name, Value: metadata[name]})
	}
	set(&b.namespace(ns).metadata, key, w)
}

// Range records a range query. One with the same start, end and exhaustion as an earlier one of the namespace is left out.
func (b *Builder) Range(ns string, info *kvrwsetpb.RangeQueryInfo) {
	n := b.namespace(ns)
	for _, r := range n.ranges {
		if r.StartKey == info.StartKey && r.EndKey == info.EndKey && r.ItrExhausted == info.ItrExhausted {
			return
		}
	}
	n.ranges = append(n.ranges, info)
}

// Set is what was recorded so far.
func (b *Builder) Set() *Set {
	s := &Set{}
	for _, name := range slices.Sorted(maps.Keys(b.namespaces)) {
		n := b.namespaces[name]
		s.Namespaces = append(s.Namespaces, Namespace{Name: name, KV: &kvrwsetpb.KVRWSet{
			Reads:            sortedValues(n.reads),
			RangeQueriesInfo: slices.Clone(n.ranges),
			Writes:           sortedValues(n.writes),
			MetadataWrites:   sortedValues(n.metadata),
		}})
	}
	return s
}

func (b *Builder) namespace(name string) *namespace {
	n := b.namespaces[name]
	if n == nil {
		if b.namespaces == nil {
			b.namespaces = map[string]*namespace{}
		}
		n = &namespace{}
		b.namespaces[name] = n
	}
	return n
}

// set puts a value into a map, which is made for the first one: most transactions touch few keys in few ways.
func set[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

func sortedValues[K cmp.Ordered, V any](m map[K]V) []V {
	if len(m) == 0 {
		return nil
	}
	values := make([]V, 0, len(m))
	if len(m) == 1 {
		for _, v := range m {
			return append(values, v)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[k])
	}
	return values
}
