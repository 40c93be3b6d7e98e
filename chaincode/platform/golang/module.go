package golang

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/modfile"
)

// inModule builds pkg of the module at root.
func (b *compilation) inModule(ctx context.Context, root, pkg string) error {
	env := []string{"GO111MODULE=on", "GOPATH=" + filepath.Join(b.work, "gopath")}
	if isFile(filepath.Join(root, "vendor", "modules.txt")) {
		b.mode = "vendor"
		return b.goBuild(ctx, root, env, pkg, "-mod=vendor")
	}
	b.mode = "module"
	overlay, err := b.overlay(root)
	if err != nil {
		return err
	}
	return b.goBuild(ctx, root, env, pkg, append(b.languageFlags(), "-mod=mod", "-modfile="+overlay)...)
}

// overlay writes the go.mod and go.sum to be used in place of the module's own.
func (b *compilation) overlay(root string) (string, error) {
	overlay := filepath.Join(b.work, "overlay.mod")
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	if content, err = overlayMod(content, filepath.Join(b.carriedDir, "src"), b.tool.hasModule); err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, content, 0o644); err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if errors.Is(err, fs.ErrNotExist) {
		return overlay, nil
	}
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(filepath.Join(b.work, "overlay.sum"), sums, 0o644)
}

// overlayMod is a go.mod in which the carried modules, which are below dir, stand for what the module requires under their names. Of the module's
// other requirements it keeps those that are at hand: the go command reads the go.mod of every module that is required, even if no package
// of it is used, and one that is out of reach would end the build.
func overlayMod(content []byte, dir string, atHand func(path, version string) bool) ([]byte, error) {
	f, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	replaced, required := map[string]bool{}, map[string]bool{}
	for _, r := range slices.Clone(f.Replace) {
		if carriedModules[r.Old.Path] == "" {
			replaced[r.Old.Path] = true
			continue
		}
		if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return nil, fmt.Errorf("editing go.mod: %w", err)
		}
	}
	for _, r := range slices.Clone(f.Require) {
		required[r.Mod.Path] = true
		if carriedModules[r.Mod.Path] == "" && !replaced[r.Mod.Path] && !atHand(r.Mod.Path, r.Mod.Version) {
			if err := f.DropRequire(r.Mod.Path); err != nil {
				return nil, fmt.Errorf("editing go.mod: %w", err)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(carriedModules)) {
		err := f.AddReplace(path, "", filepath.Join(dir, filepath.FromSlash(path)), "")
		if err == nil && !required[path] {
			err = f.AddRequire(path, carriedModules[path])
		}
		if err != nil {
			return nil, fmt.Errorf("editing go.mod: %w", err)
		}
	}
	f.Cleanup()
	return f.Format()
}

// languageModules are the carried modules with code of their own; the others are aliases.
var languageModules = []string{heddleModule, "google.golang.org/protobuf", "github.com/golang/protobuf"}

// languageFlags compile the carried packages as the toolchain's own language version, whatever their go.mod files say.
func (b *compilation) languageFlags() []string {
	if b.tool.language == "" {
		return nil
	}
	var flags []string
	for _, path := range languageModules {
		flags = append(flags, "-gcflags="+path+"/...=-lang="+b.tool.language)
	}
	return flags
}

// hasModule says whether the module cache holds that version, sources and all.
func (t *toolchain) hasModule(path, version string) bool {
	return isDir(filepath.Join(t.modcache, filepath.FromSlash(escapeModule(path))+"@"+escapeModule(version))) &&
		isFile(filepath.Join(t.modcache, "cache", "download", filepath.FromSlash(escapeModule(path)), "@v", escapeModule(version)+".mod"))
}

// escapeModule writes capital letters as the module cache does.
func escapeModule(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
