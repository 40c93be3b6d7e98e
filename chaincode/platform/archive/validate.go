package archive

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/metadata"
)

// headBytes is how much of a file's beginning Validate shows.
const headBytes = 512

// Validate reads all of a code package and checks its metadata. allow, if there is one, is asked about every file's name and first bytes. An
// empty package is fine, as in Fabric, where a package for development mode has none.
func Validate(code []byte, allow func(name string, head []byte) error) error {
	if len(code) == 0 {
		return nil
	}
	var head [headBytes]byte
	return Walk(code, func(name string, size int64, content io.Reader) error {
		n, err := io.ReadFull(content, head[:min(size, headBytes)])
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if allow != nil {
			if err := allow(name, head[:n]); err != nil {
				return err
			}
		}
		if !strings.HasPrefix(name, metadataDir+"/statedb/") {
			return nil
		}
		if size > maxIndexBytes {
			return fmt.Errorf("invalid state database artifact: %s has %d bytes, more than %d", name, size, maxIndexBytes)
		}
		b, err := io.ReadAll(io.MultiReader(bytes.NewReader(head[:n]), content))
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if err := metadata.Check(name, b); err != nil {
			return fmt.Errorf("invalid state database artifact: %w", err)
		}
		return nil
	})
}

// Compiled names the format of a program or library that begins with head; empty if it is neither.
func Compiled(head []byte) string {
	for _, format := range []struct{ magic, name string }{
		{"\x7fELF", "ELF"},
		{"MZ", "PE"},
		{"\xfe\xed\xfa\xce", "Mach-O"}, {"\xfe\xed\xfa\xcf", "Mach-O"}, {"\xce\xfa\xed\xfe", "Mach-O"}, {"\xcf\xfa\xed\xfe", "Mach-O"},
		{"\xca\xfe\xba\xbe", "Mach-O or a Java class"},
		{"!<arch>\n", "archive of objects"},
		{"go object ", "Go object"},
	} {
		if bytes.HasPrefix(head, []byte(format.magic)) && (format.name != "PE" || bytes.IndexByte(head, 0) >= 0) { // text may begin with MZ
			return format.name
		}
	}
	return ""
}
