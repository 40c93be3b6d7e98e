package archive

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
)

// Change says how one file of an archive is another in a second archive.
type Change struct {
	Kind string // "added", "removed", "changed", "moved", "header"
	Name string // in the first archive; of an added file, in the second
	Note string // sizes, the new name, or the headers
}

// packed is what Diff knows of a file.
type packed struct {
	name   string
	size   int64
	sum    [sha256.Size]byte
	header string // owner, mode and time
}

// Diff lists, by name, what must be done to the files of code package a to have those of b. Where all files are the same it lists those
// whose headers in the archive differ, for these are in the code hash too; an empty list of two unequal packages means that the files'
// order or their compression differs.
func Diff(a, b []byte) ([]Change, error) {
	before, err := list(a)
	if err != nil {
		return nil, err
	}
	after, err := list(b)
	if err != nil {
		return nil, err
	}
	var changes, headers []Change
	var gone, fresh []packed
	for name, old := range before {
		now, ok := after[name]
		switch {
		case !ok:
			gone = append(gone, old)
		case now.sum != old.sum:
			changes = append(changes, Change{"changed", name, fmt.Sprintf("%d bytes, %d bytes", old.size, now.size)})
		case now.header != old.header:
			headers = append(headers, Change{"header", name, old.header + ", " + now.header})
		}
	}
	for name, now := range after {
		if _, ok := before[name]; !ok {
			fresh = append(fresh, now)
		}
	}
	changes = append(changes, moves(gone, fresh)...)
	if len(changes) == 0 {
		changes = headers
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return changes, nil
}

// moves pairs removed files with added ones of the same content.
func moves(gone, fresh []packed) []Change {
	byName := func(a, b packed) int { return cmp.Compare(a.name, b.name) }
	slices.SortFunc(gone, byName)
	slices.SortFunc(fresh, byName)
	var changes []Change
	for _, g := range gone {
		i := slices.IndexFunc(fresh, func(f packed) bool { return f.sum == g.sum })
		if i < 0 {
			changes = append(changes, Change{"removed", g.name, fmt.Sprintf("%d bytes", g.size)})
			continue
		}
		changes = append(changes, Change{"moved", g.name, "to " + fresh[i].name})
		fresh = slices.Delete(fresh, i, i+1)
	}
	for _, f := range fresh {
		changes = append(changes, Change{"added", f.name, fmt.Sprintf("%d bytes", f.size)})
	}
	return changes
}

// list reads the files of a code package.
func list(code []byte) (map[string]packed, error) {
	files := map[string]packed{}
	if len(code) == 0 {
		return files, nil
	}
	err := walk(code, func(h *tar.Header, content io.Reader) error {
		e := packed{name: h.Name, size: h.Size}
		e.header = fmt.Sprintf("%o %d:%d %s:%s @%d", h.Mode, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime.Unix())
		hash := sha256.New()
		if _, err := io.Copy(hash, content); err != nil {
			return fmt.Errorf("reading %s: %w", h.Name, err)
		}
		hash.Sum(e.sum[:0])
		files[h.Name] = e
		return nil
	})
	return files, err
}
