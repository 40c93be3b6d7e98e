package car

import (
	"bytes"
	"cmp"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// An archive is two messages, each behind its length: a header {1: magic, 2: version} and {2: payload}. The payload, a message in turn, is
// {1: {1: compression as a number, 2: as a name}, 16: repeated {1: path, 2: size, 3: SHA-1 in hex, 16: data}}; size and hash are those
// of the data as it was before it was compressed.
const (
	magic   = "org.hyperledger.chaincode-archive"
	version = 1

	gzipType = 2
)

// What an archive may unpack to.
const (
	maxFiles = 50_000
	maxBytes = 512 << 20
	maxName  = 4096
)

// compressions are chaintool's, by number.
var compressions = []string{1: "none", 2: "gzip", 3: "lzma", 4: "bzip2", 5: "xz"}

// field is one field of an encoded message.
type field struct {
	number protowire.Number
	value  uint64 // of varints
	bytes  []byte // of strings, bytes and messages
}

// fields calls visit for every field that is a varint or has a length; others are skipped.
func fields(b []byte, visit func(f field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// read returns the files of an archive by name.
func read(code []byte) (map[string][]byte, error) {
	header, n := protowire.ConsumeBytes(code)
	if n < 0 {
		return nil, fmt.Errorf("header: %w", protowire.ParseError(n))
	}
	var gotMagic string
	var gotVersion uint64
	err := fields(header, func(f field) error {
		switch f.number {
		case 1:
			gotMagic = string(f.bytes)
		case 2:
			gotVersion = f.value
		}
		return nil
	})
	if err != nil || gotMagic != magic || gotVersion != version {
		return nil, fmt.Errorf("this is no chaintool archive: want %s version %d, got %q version %d (%w)", magic, version, gotMagic, gotVersion, cmp.Or(err, errors.New("header")))
	}
	body, n := protowire.ConsumeBytes(code[n:])
	if n < 0 {
		return nil, fmt.Errorf("archive: %w", protowire.ParseError(n))
	}
	var payload []byte
	if err := fields(body, func(f field) error {
		if f.number == 2 {
			payload = f.bytes
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return readPayload(payload)
}

func readPayload(payload []byte) (map[string][]byte, error) {
	compression := "none"
	var encoded [][]byte
	err := fields(payload, func(f field) error {
		switch f.number {
		case 1:
			return fields(f.bytes, func(f field) error {
				switch {
				case f.number == 1 && compression == "none" && f.value < uint64(len(compressions)):
					compression = compressions[f.value]
				case f.number == 2:
					compression = string(f.bytes)
				}
				return nil
			})
		case 16:
			encoded = append(encoded, f.bytes)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if len(encoded) > maxFiles {
		return nil, fmt.Errorf("the archive holds more than %d files", maxFiles)
	}
	files, left := map[string][]byte{}, int64(maxBytes)
	for _, e := range encoded {
		name, content, err := readEntry(e, compression, left)
		if err != nil {
			return nil, err
		}
		if _, twice := files[name]; twice {
			return nil, fmt.Errorf("illegal file name detected in payload: %q occurs twice", name)
		}
		files[name] = content
		left -= int64(len(content))
	}
	return files, nil
}

// readEntry decodes one file, of at most limit bytes.
func readEntry(e []byte, compression string, limit int64) (name string, content []byte, err error) {
	var sum string
	var data []byte
	err = fields(e, func(f field) error {
		switch f.number {
		case 1:
			name = string(f.bytes)
		case 3:
			sum = string(f.bytes)
		case 16:
			data = f.bytes
		}
		return nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("entry: %w", err)
	}
	if len(name) > maxName || !filepath.IsLocal(name) || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00") {
		return "", nil, fmt.Errorf("illegal file name detected in payload: %q", name)
	}
	r, err := decompressor(compression, data)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	if content, err = io.ReadAll(io.LimitReader(r, limit+1)); err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(content)) > limit {
		return "", nil, fmt.Errorf("the archive unpacks to more than %d bytes", maxBytes)
	}
	if got := sha1.Sum(content); !strings.EqualFold(sum, hex.EncodeToString(got[:])) {
		return "", nil, fmt.Errorf("%s: hash verification failure (expected: %q, got: %x)", name, sum, got)
	}
	return name, content, nil
}

func decompressor(compression string, data []byte) (io.Reader, error) {
	switch compression {
	case "none":
		return bytes.NewReader(data), nil
	case "gzip":
		return gzip.NewReader(bytes.NewReader(data))
	case "bzip2":
		return bzip2.NewReader(bytes.NewReader(data)), nil
	}
	return nil, fmt.Errorf("compression %q is not known here; package with gzip, bzip2 or none", compression)
}

// write makes an archive of the files, sorted by name.
func write(files []archive.File) ([]byte, error) {
	slices.SortFunc(files, func(a, b archive.File) int { return cmp.Compare(a.Name, b.Name) })
	text := func(b []byte, n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
	}
	number := func(b []byte, n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
	}
	payload := text(nil, 1, string(text(number(nil, 1, gzipType), 2, "gzip")))
	for _, f := range files {
		var data bytes.Buffer
		w, err := gzip.NewWriterLevel(&data, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		_, err = w.Write(f.Content)
		if err := errors.Join(err, w.Close()); err != nil {
			return nil, err
		}
		sum := sha1.Sum(f.Content)
		e := text(number(text(nil, 1, f.Name), 2, uint64(len(f.Content))), 3, hex.EncodeToString(sum[:]))
		payload = text(payload, 16, string(text(e, 16, data.String())))
	}
	code := protowire.AppendBytes(nil, number(text(nil, 1, magic), 2, version))
	return protowire.AppendBytes(code, text(nil, 2, string(payload))), nil
}

// packSorted makes a code package of files by name.
func packSorted(files map[string][]byte) ([]byte, error) {
	var list []archive.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, archive.File{Name: name, Content: files[name]})
	}
	return archive.Pack(list)
}
