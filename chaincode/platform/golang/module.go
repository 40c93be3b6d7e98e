package golang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// inModule builds pkg of the module at root.
func (b *compilation) inModule(ctx context.Context, root, pkg string) error {
	env := []string{"GO111MODULE=on", "GOPATH=" + filepath.Join(b.work, "gopath")}
	if isFile(filepath.Join(root, "vendor", "modules.txt")) {
		b.mode = "vendor"
		return b.goBuild(ctx, root, env, pkg, "-mod=vendor")
	}
	b.mode = "module"
	modfile, err := b.overlay(ctx, root, env)
	if err != nil {
		return err
	}
	return b.goBuild(ctx, root, env, pkg, append(b.languageFlags(), "-mod=mod", "-modfile="+modfile)...)
}

// overlay writes a go.mod, to be used in place of the module's own, in which the carried modules stand for what the module requires under their
// names. Of the module's other requirements it keeps those that are on this machine: the go command reads the go.mod of every module that is
// required, even if no package of it is used, and one that is out of reach would end the build.
func (b *compilation) overlay(ctx context.Context, root string, env []string) (string, error) {
	modfile := filepath.Join(b.work, "overlay.mod")
	for from, to := range map[string]string{"go.mod": modfile, "go.sum": filepath.Join(b.work, "overlay.sum")} {
		content, err := os.ReadFile(filepath.Join(root, from))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return "", err
		}
	}
	out, err := b.tool.run(ctx, root, env, "mod", "edit", "-json", modfile)
	if err != nil {
		return "", fmt.Errorf("reading go.mod: %w\n%s", err, tail(out))
	}
	var declared struct {
		Require []struct{ Path, Version string }
		Replace []struct {
			Old struct{ Path, Version string }
		}
	}
	if err := json.Unmarshal([]byte(out), &declared); err != nil {
		return "", fmt.Errorf("reading go.mod: %w", err)
	}
	args := []string{"mod", "edit"}
	replaced := map[string]bool{}
	for _, r := range declared.Replace {
		if carriedModules[r.Old.Path] == "" {
			replaced[r.Old.Path] = true
			continue
		}
		old := r.Old.Path
		if r.Old.Version != "" {
			old += "@" + r.Old.Version
		}
		args = append(args, "-dropreplace="+old)
	}
	for _, r := range declared.Require {
		if carriedModules[r.Path] == "" && !replaced[r.Path] && !b.tool.hasModule(r.Path, r.Version) {
			args = append(args, "-droprequire="+r.Path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(carriedModules)) {
		args = append(args, "-replace="+path+"="+filepath.Join(b.carriedDir, "src", filepath.FromSlash(path)))
	}
	for _, path := range slices.Sorted(maps.Keys(carriedModules)) {
		if !slices.ContainsFunc(declared.Require, func(r struct{ Path, Version string }) bool { return r.Path == path }) {
			args = append(args, "-require="+path+"@"+carriedModules[path])
		}
	}
	if out, err := b.tool.run(ctx, root, env, append(args, modfile)...); err != nil {
		return "", fmt.Errorf("editing go.mod: %w\n%s", err, tail(out))
	}
	return modfile, nil
}

// languageFlags compile the carried packages as the toolchain's own language version, whatever their go.mod files say.
func (b *compilation) languageFlags() []string {
	if b.tool.language == "" {
		return nil
	}
	var flags []string
	for _, path := range []string{heddleModule, "google.golang.org/protobuf", "github.com/golang/protobuf"} {
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
