package shim

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	compositeKeyNamespace = "\x00"       // begins every composite key, and no simple one
	compositeKeySeparator = "\x00"       // follows the object type and each attribute
	emptyKeySubstitute    = "\x01"       // the first key after all composite keys
	maxUnicodeRune        = "\U0010ffff" // sorts after everything that may follow a partial composite key
)

// CreateCompositeKey makes one key of an object type and attributes: U+0000, then each of them followed by U+0000.
func (stub *ChaincodeStub) CreateCompositeKey(objectType string, attributes []string) (string, error) {
	return CreateCompositeKey(objectType, attributes)
}

// SplitCompositeKey is the inverse of CreateCompositeKey.
func (stub *ChaincodeStub) SplitCompositeKey(compositeKey string) (string, []string, error) {
	return splitCompositeKey(compositeKey)
}

// CreateCompositeKey is the stub's method of the same name; it needs no stub.
func CreateCompositeKey(objectType string, attributes []string) (string, error) {
	var b strings.Builder
	b.WriteString(compositeKeyNamespace)
	if err := addCompositePart(&b, objectType); err != nil {
		return "", err
	}
	for _, a := range attributes {
		if err := addCompositePart(&b, a); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func addCompositePart(b *strings.Builder, part string) error {
	if !utf8.ValidString(part) {
		return fmt.Errorf("not a valid utf8 string: [%x]", part)
	}
	for i, r := range part {
		if r == 0 || r == utf8.MaxRune {
			return fmt.Errorf("input contain unicode %#U starting at position [%d]. %#U and %#U are not allowed in the input attribute of a composite key",
				r, i, 0, utf8.MaxRune)
		}
	}
	b.WriteString(part)
	b.WriteString(compositeKeySeparator)
	return nil
}

// splitCompositeKey takes what is between the separators; text after the last one is not part of any attribute. As in Fabric, what the first
// byte is does not matter.
func splitCompositeKey(key string) (string, []string, error) {
	if len(key) == 0 || !strings.Contains(key[1:], compositeKeySeparator) {
		return "", nil, fmt.Errorf("not a composite key: %q", key)
	}
	parts := strings.Split(key[1:], compositeKeySeparator)
	parts = parts[:len(parts)-1]
	return parts[0], parts[1:], nil
}

// checkSimpleKeys refuses keys in the namespace of composite keys.
func checkSimpleKeys(keys ...string) error {
	for _, k := range keys {
		if strings.HasPrefix(k, compositeKeyNamespace) {
			return fmt.Errorf("first character of the key [%s] contains a null character which is not allowed", k)
		}
	}
	return nil
}
