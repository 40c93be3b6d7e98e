package metadata

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndexDefinitions(t *testing.T) {
	for definition, want := range map[string]string{
		`{"index":{"fields":["a",{"b":"ASC"}]},"ddoc":"d","name":"n","type":"json"}`: "",
		`{"index":{"fields":["a"],"partial_filter_selector":{}}}`:                    "",
		`{"index":{"fields":["a"]},"type":"text"}`:                                   "Index type must be json",
		`{"index":{"fields":"a"}}`:                                                   "Expecting a JSON array of fields",
		`{"index":{"fields":[{"a":"up"}]}}`:                                          `Sort must be either "asc" or "desc".  "up" was found.`,
		`{"index":{"fields":[{"a":1}]}}`:                                             `fields must be in the form "fieldname":"sort"`,
		`{"index":{"other":1}}`:                                                      "Invalid Entry.  Entry other",
		`{"index":null}`:                                                             `"index" must be a JSON`,
		`{"index":{},"ddoc":1}`:                                                      `"ddoc" must be a string`,
		`{"name":"n"}`:                                                               `must include a "fields" definition`,
		`{"index":{},"x":1}`:                                                         "Invalid Entry.  Entry x",
		`{`:                                                                          "is not a valid JSON",
	} {
		err := Check("META-INF/statedb/couchdb/indexes/i.json", []byte(definition))
		if want == "" {
			require.NoError(t, err, definition)
		} else {
			require.ErrorContains(t, err, want, definition)
		}
	}
}

func TestNames(t *testing.T) {
	index := []byte(`{"index":{"fields":["a"]}}`)
	for name, allowed := range map[string]bool{
		"META-INF/statedb/couchdb/indexes/i.json":                 true,
		"META-INF/statedb/couchdb/collections/c_1/indexes/i.json": true,
		"META-INF/other/couchdb/indexes/i.json":                   false,
		"META-INF/statedb/i.json":                                 false,
		"META-INF/statedb/other/indexes/i.json":                   false,
		"META-INF/statedb/couchdb/other/i.json":                   false,
		"META-INF/statedb/couchdb/collections/indexes/i.json":     false,
		"META-INF/statedb/couchdb/collections/c/other/i.json":     false,
		"META-INF/statedb/couchdb/collections/#!/indexes/i.json":  false,
		"META-INF/statedb/couchdb/collections/c/indexes/i.txt":    false,
	} {
		if err := Check(name, index); allowed {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, "metadata file path or name is not supported: "+name+"; it must be META-INF/statedb/couchdb/indexes/")
		}
	}
}
