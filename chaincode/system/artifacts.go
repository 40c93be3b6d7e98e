package system

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	artifacts       = "META-INF/statedb/" // where a code package keeps what its state database needs
	maxArtifact     = 1 << 20             // bytes of one index definition
	maxCodeUnpacked = 1 << 30             // bytes of a code package, unpacked
)

// indexFile is the only kind of artifact Fabric knows: a CouchDB index of the chaincode or of one of its collections.
var indexFile = regexp.MustCompile(`^META-INF/statedb/couchdb/(indexes|collections/[A-Za-z0-9_-]+/indexes)/.*[.]json`)

// checkIndexes refuses a package whose state database artifacts Fabric would refuse. This peer's own state database uses none, but a
// package that installs here must install on the peers that do.
func checkIndexes(p *pack.Package) error {
	if p.Type == peerpb.ChaincodeSpec_CAR || len(p.Spec.CodePackage) == 0 {
		return nil
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(p.Spec.CodePackage))
	if err != nil {
		return err
	}
	limited := &io.LimitedReader{R: unzipped, N: maxCodeUnpacked}
	files := tar.NewReader(limited)
	for {
		h, err := files.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && limited.N <= 0:
			return fmt.Errorf("the code package unpacks to more than %d bytes", maxCodeUnpacked)
		case err != nil:
			return err
		}
		if !strings.HasPrefix(h.Name, artifacts) {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(files, maxArtifact))
		if err != nil {
			return err
		}
		if err := checkIndex(h.Name, content); err != nil {
			return err
		}
	}
}

func checkIndex(name string, content []byte) error {
	if !indexFile.MatchString(name) {
		return fmt.Errorf("metadata file path or name is not supported: %s", path.Dir(name)+"/")
	}
	var index map[string]any
	if json.Unmarshal(content, &index) != nil {
		return fmt.Errorf("Index metadata file [%s] is not a valid JSON", name)
	}
	if err := checkIndexDefinition(index); err != nil {
		return fmt.Errorf("Index metadata file [%s] is not a valid index definition: %w", name, err)
	}
	return nil
}

func checkIndexDefinition(index map[string]any) error {
	for key, value := range index {
		_, isText := value.(string)
		switch key {
		case "index":
			definition, ok := value.(map[string]any)
			if !ok {
				return errors.New(`Invalid entry, "index" must be a JSON`)
			}
			if err := checkIndexFields(definition); err != nil {
				return err
			}
		case "ddoc", "name":
			if !isText {
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
	if _, ok := index["index"]; !ok {
		return errors.New(`Index definition must include a "fields" definition`)
	}
	return nil
}

// checkIndexFields takes field names, and objects of one field name and its sort order; and a filter, which it does not look into.
func checkIndexFields(definition map[string]any) error {
	for key, value := range definition {
		switch key {
		case "fields":
			list, ok := value.([]any)
			if !ok {
				return errors.New("Expecting a JSON array of fields")
			}
			for _, field := range list {
				if sorted, ok := field.(map[string]any); ok {
					if err := checkSorted(sorted); err != nil {
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

func checkSorted(field map[string]any) error {
	for _, order := range field {
		s, ok := order.(string)
		if !ok {
			return errors.New("Invalid field definition, fields must be in the form \"fieldname\":\"sort\"")
		}
		if s = strings.ToLower(s); s != "asc" && s != "desc" {
			return fmt.Errorf("Sort must be either \"asc\" or \"desc\".  \"%s\" was found.", order)
		}
	}
	return nil
}
