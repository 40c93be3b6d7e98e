package golang

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// Build returns the path of the chaincode's executable, building it if no earlier Build of the same package with the same toolchain did. Builds of
// one package at the same time are safe, if wasteful. The error of a failed build ends in the compiler's last lines.
func Build(ctx context.Context, r BuildRequest) (binary string, err error) {
	return buildIn(ctx, r, os.Environ())
}

func buildIn(ctx context.Context, r BuildRequest, env []string) (string, error) {
	if len(r.CodePackage) == 0 {
		return "", errors.New("the chaincode's package holds no code: it was made for a peer in development mode")
	}
	importPath, err := cleanImportPath(r.Path)
	if err != nil {
		return "", err
	}
	cacheDir, err := filepath.Abs(r.CacheDir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("making the build cache: %w", err)
	}
	hash, err := carriedHash()
	if err != nil {
		return "", err
	}
	goTool, err := findToolchain(ctx, cacheDir, env)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(cacheDir, "bin", buildKey(r.CodePackage, importPath, goTool.version, hash, r.Debug))
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	start := time.Now()
	src, err := carried()
	if err != nil {
		return "", err
	}
	gopath, err := src.materialize(goTool.shared)
	if err != nil {
		return "", fmt.Errorf("writing the carried sources: %w", err)
	}
	work, err := os.MkdirTemp(cacheDir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	unlock, err := lock(ctx, goTool.shared, false) // a Prepare under way compiles what this build would compile again
	if err != nil {
		return "", fmt.Errorf("waiting for the carried packages: %w", err)
	}
	defer unlock()
	b := compilation{tool: goTool, carriedDir: gopath, work: work, input: filepath.Join(work, "input"), importPath: importPath, debug: r.Debug}
	if err := archive.Unpack(r.CodePackage, b.input); err != nil {
		return "", err
	}
	if err := b.run(ctx); err != nil {
		return "", fmt.Errorf("building chaincode %s: %w", importPath, err)
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	built, err := filepath.Glob(filepath.Join(b.output(), "*"))
	if err != nil || len(built) != 1 {
		return "", fmt.Errorf("building chaincode %s: want one executable, got %d: %w", importPath, len(built), err)
	}
	if err := os.Rename(built[0], binary); err != nil {
		return "", err
	}
	r.Log.Info("built chaincode", "path", importPath, "mode", b.mode, "go", goTool.version, "took", time.Since(start).Round(time.Millisecond))
	return binary, nil
}

// Prepare compiles the carried packages into the build cache, so that the first Build need not. It takes seconds where nothing has been built
// before, and next to nothing later; a peer runs it in the background when it starts. Peers of one user that share a cache take turns, and
// builds wait for it.
func Prepare(ctx context.Context, cacheDir string) error {
	return prepareIn(ctx, cacheDir, os.Environ())
}

func prepareIn(ctx context.Context, cacheDir string, env []string) error {
	cacheDir, err := filepath.Abs(cacheDir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return fmt.Errorf("making the build cache: %w", err)
	}
	src, err := carried()
	if err != nil {
		return err
	}
	goTool, err := findToolchain(ctx, cacheDir, env)
	if err != nil {
		return err
	}
	gopath, err := src.materialize(goTool.shared)
	if err != nil {
		return fmt.Errorf("writing the carried sources: %w", err)
	}
	unlock, err := lock(ctx, goTool.shared, true)
	if err != nil {
		return fmt.Errorf("waiting for another peer that compiles the carried shim: %w", err)
	}
	defer unlock()
	args := slices.Concat([]string{"build"}, goTool.flags, []string{"github.com/hyperledger/fabric/core/chaincode/shim", "github.com/hyperledger/fabric/protos/peer"})
	if out, err := goTool.run(ctx, gopath, []string{"GO111MODULE=off", "GOPATH=" + gopath}, args...); err != nil {
		return fmt.Errorf("compiling the carried shim: %w\n%s", err, tail(out))
	}
	return nil
}

// buildKey names an executable by all that it depends on.
func buildKey(code []byte, importPath, goVersion, carriedHash string, debug bool) string {
	h := sha256.New()
	for _, part := range [][]byte{code, []byte(importPath), []byte(goVersion), []byte(runtime.GOOS + "/" + runtime.GOARCH), []byte(carriedHash)} {
		writeSized(h, part)
	}
	if debug {
		writeSized(h, []byte("debug"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

var importPathElement = regexp.MustCompile(`^[A-Za-z0-9_.~+][A-Za-z0-9_.~+-]*$`)

// cleanImportPath checks a path that came with a package, as it becomes an argument of the go command. Like Fabric it drops a leading http:// or
// https:// and a final slash.
func cleanImportPath(p string) (string, error) {
	p = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(p, "http://"), "https://"), "/")
	for e := range strings.SplitSeq(p, "/") {
		if !importPathElement.MatchString(e) || strings.Trim(e, ".") == "" {
			return "", fmt.Errorf("chaincode path %q is not an import path", p)
		}
	}
	if strings.Contains(p, "...") { // the go command's wildcard
		return "", fmt.Errorf("chaincode path %q is not an import path", p)
	}
	return p, nil
}

// compilation is one run of the compiler over an unpacked package.
type compilation struct {
	tool       *toolchain
	carriedDir string // the carried sources, a GOPATH
	work       string // this build's own folder
	input      string // the unpacked package, below work
	importPath string
	debug      bool
	mode       string // "gopath", "module" or "vendor", for the log
}

// output is a folder: given a file's name, the go command would write there whatever it compiles, be it a program or not.
func (b *compilation) output() string { return filepath.Join(b.work, "out") }

// run picks the mode as 2.x peers do: by where a go.mod is.
func (b *compilation) run(ctx context.Context) error {
	src := filepath.Join(b.input, "src")
	nested := filepath.Join(src, filepath.FromSlash(b.importPath))
	switch {
	case isFile(filepath.Join(src, "go.mod")):
		return b.inModule(ctx, src, b.importPath)
	case isFile(filepath.Join(nested, "go.mod")):
		return b.inModule(ctx, nested, ".")
	case !isDir(nested):
		return fmt.Errorf("the package holds no src/%s", b.importPath)
	}
	b.mode = "gopath"
	return b.goBuild(ctx, b.input, []string{
		"GO111MODULE=off",
		"GOPATH=" + b.input + string(filepath.ListSeparator) + b.carriedDir,
	}, b.importPath)
}

// goBuild compiles pkg in dir. What the compiler says names files as the package does.
func (b *compilation) goBuild(ctx context.Context, dir string, env []string, pkg string, flags ...string) error {
	if b.debug {
		flags = append(flags, "-trimpath", "-ldflags=", "-gcflags="+pkg+"/...=-N -l")
	}
	args := slices.Concat([]string{"build", "-o", b.output() + string(filepath.Separator)}, b.tool.flags, flags, []string{"--", pkg})
	out, err := b.tool.run(ctx, dir, env, args...)
	if err == nil {
		return nil
	}
	out = strings.NewReplacer(b.input+string(filepath.Separator), "", b.carriedDir+string(filepath.Separator), "carried:").Replace(out)
	return fmt.Errorf("go build (%s mode, offline): %w\n%s%s", b.mode, err, tail(out), hint(out))
}

// hint says what to do about the one failure that is nobody's mistake: a dependency that is only on the network.
func hint(output string) string {
	for _, sign := range []string{"module lookup disabled by GOPROXY=off", "no required module provides package", "cannot find package", "cannot find module providing package", "is not in std"} {
		if strings.Contains(output, sign) {
			return "\nchaincode is built without network: put what it needs beyond the shim into the package, in a vendor folder (go mod vendor), and install it again"
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
