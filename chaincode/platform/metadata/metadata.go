// Package metadata checks the files that a code package of any language may carry for the state database: below META-INF, CouchDB
// indexes and nothing else.
//
// This peer's own state database uses none, but a package that installs here must install on the peers that do. The rules and texts are
// Fabric 1.4's.
package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// indexFile matches the only metadata files there are: CouchDB indexes of the chaincode or of one of its collections.
var indexFile = regexp.MustCompile(`^META-INF/statedb/couchdb/(?:collections/[A-Za-z0-9_-]+/)?indexes/.*[.]json`)

// Check checks the name and the content of a file below META-INF.
func Check(name string, content []byte) error {
	if !indexFile.MatchString(name) {
		return fmt.Errorf("metadata file path or name is not supported: %s; it must be META-INF/statedb/couchdb/indexes/<name>.json or "+
			"META-INF/statedb/couchdb/collections/<collection>/indexes/<name>.json", name)
	}
	var definition map[string]any
	if err := json.Unmarshal(content, &definition); err != nil {
		return fmt.Errorf("Index metadata file [%s] is not a valid JSON", name)
	}
	if err := checkIndex(definition); err != nil {
		return fmt.Errorf("Index metadata file [%s] is not a valid index definition: %w", name, err)
	}
	return nil
}

func checkIndex(definition map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(definition)) {
		value := definition[key]
		switch key {
		case "index":
			index, ok := value.(map[string]any)
			if !ok {
				return errors.New(`Invalid entry, "index" must be a JSON`)
			}
			if err := checkIndexFields(index); err != nil {
				return err
			}
		case "ddoc", "name":
			if _, ok := value.(string); !ok {
				return fmt.Errorf("Invalid entry, %q must be a string", key)
			}
		case "type":
			if value != "json" {
				return errors.New("Index type must be json")
			}
		default:
			return fmt.Errorf("Invalid Entry.  Entry %s", key)
		}
	}
	if _, ok := definition["index"]; !ok {
		return errors.New(`Index definition must include a "fields" definition`)
	}
	return nil
}

func checkIndexFields(index map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(index)) {
		switch key {
		case "fields":
			fields, ok := index[key].([]any)
			if !ok {
				return errors.New("Expecting a JSON array of fields")
			}
			for _, f := range fields {
				if sorted, ok := f.(map[string]any); ok {
					if err := checkSort(sorted); err != nil {
						return err
					}
				}
			}
		case "partial_filter_selector":
		default:
			return fmt.Errorf("Invalid Entry.  Entry %s", key)
		}
	}
	return nil
}

// checkSort checks a field with a direction: {"size": "asc"}.
func checkSort(field map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(field)) {
		direction, ok := field[key].(string)
		switch {
		case !ok:
			return errors.New(`Invalid field definition, fields must be in the form "fieldname":"sort"`)
		case !strings.EqualFold(direction, "asc") && !strings.EqualFold(direction, "desc"):
			return fmt.Errorf(`Sort must be either "asc" or "desc".  "%s" was found.`, direction)
		}
	}
	return nil
}
