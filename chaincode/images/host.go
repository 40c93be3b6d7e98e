package images

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/tool"
)

var (
	errMissing  = errors.New("is not on PATH")                             // in the error for a tool that this machine does not have
	errUnlinked = errors.New("is linked with a library that is not there") // the others have been added
)

// host is this machine, which lends its tools.
type host struct {
	ctx context.Context // of one Make
	env []string
}

// tools are the commands that images have beside a shell. Those in front are necessary, for builds use them.
var (
	neededTools  = []string{"cat", "cp", "env", "ls", "mkdir", "mv", "rm"}
	welcomeTools = []string{
		"basename", "chmod", "cut", "date", "dirname", "expr", "false", "find", "grep", "gzip", "head", "id", "ln", "mktemp", "printenv", "pwd", "readlink",
		"rmdir", "sed", "sleep", "sort", "tail", "tar", "test", "touch", "tr", "true", "uname", "uniq", "wc", "which", "xargs",
	}
)

// rootsFile holds the certificate authorities that this machine trusts.
const rootsFile = "etc/ssl/certs/ca-certificates.crt"

// base is what every image has: a shell, its tools, and the files that programs expect of a system.
func (h *host) base() (*tree, error) {
	t := newTree()
	t.symlink("bin", "usr/bin")
	t.folder("tmp", fs.ModeSticky|0o777)
	t.folder("var/tmp", fs.ModeSticky|0o777)
	t.folder("root", 0o700)
	t.folder("usr/local/bin", 0o755)
	t.folder("usr/local/src", 0o755)
	t.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
	t.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
	t.text("etc/nsswitch.conf", "hosts: files dns\n")
	for _, file := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"} {
		if _, err := os.Stat(file); err == nil {
			if err := t.file(rootsFile, file); err != nil {
				return nil, err
			}
			break
		}
	}
	if err := h.program(t, "/usr/bin/sh", "/bin/sh"); err != nil {
		return nil, err
	}
	for _, name := range neededTools {
		if err := h.tool(t, name); err != nil {
			return nil, err
		}
	}
	for _, name := range welcomeTools {
		if err := h.tool(t, name); err != nil && !errors.Is(err, errMissing) {
			return nil, err
		}
	}
	return t, nil
}

// tool adds a command of this machine to the image's /usr/bin.
func (h *host) tool(t *tree, name string) error {
	file, err := h.find(name)
	if err != nil {
		return err
	}
	return h.program(t, "usr/bin/"+name, file)
}

// find looks for a command on PATH.
func (h *host) find(name string) (string, error) {
	for _, dir := range filepath.SplitList(h.getenv("PATH")) {
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(file) {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s %w", name, errMissing)
}

// program adds an executable of this machine and the shared libraries it needs, these under the names by which its loader looks for them.
func (h *host) program(t *tree, name, source string) error {
	if err := t.file(name, source); err != nil {
		return err
	}
	return h.libraries(t, source)
}

// libraries adds what the executable or shared library is linked with. Scripts and static programs need nothing.
func (h *host) libraries(t *tree, source string) (unlinked error) {
	file, err := elf.Open(source)
	if err != nil {
		return nil // not in the form of this machine's programs: a script
	}
	needed, err := file.ImportedLibraries()
	file.Close()
	if err != nil || len(needed) == 0 {
		return nil
	}
	cmd := exec.CommandContext(h.ctx, "ldd", source)
	cmd.Env = append(append([]string{}, h.env...), "LC_ALL=C")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("asking ldd what %s is linked with: %w: %s", source, err, said.String())
	}
	for line := range strings.Lines(string(out)) {
		library, missing := parseLdd(line)
		if missing {
			unlinked = fmt.Errorf("%s %w: %s", source, errUnlinked, strings.TrimSpace(line))
		}
		if library == "" || t.has(library) {
			continue
		}
		if err := t.file(library, library); err != nil {
			return err
		}
	}
	return unlinked
}

// parseLdd reads a line of ldd's: "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" or "/lib64/ld-linux-x86-64.so.2 (0x…)".
func parseLdd(line string) (library string, missing bool) {
	_, found, arrow := strings.Cut(line, "=>")
	if !arrow {
		found = line
	}
	found = strings.TrimSpace(found)
	if strings.HasPrefix(found, "not found") {
		return "", true
	}
	if found, _, _ = strings.Cut(found, " ("); !path.IsAbs(found) {
		return "", false
	}
	return found, false
}

// goTools adds the Go toolchain: what compiling for this machine takes, without tests and documentation.
func (h *host) goTools(t *tree) error {
	command, err := h.find("go")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(h.ctx, command, "env", "GOROOT")
	cmd.Env = append(append([]string{}, h.env...), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("asking %s for its GOROOT: %w", command, err)
	}
	root := strings.TrimSpace(string(out))
	platform := runtime.GOOS + "_" + runtime.GOARCH
	for _, file := range []string{"bin/go", "bin/gofmt", "VERSION", "go.env", "pkg/tool/" + platform + "/asm", "pkg/tool/" + platform + "/compile",
		"pkg/tool/" + platform + "/cgo", "pkg/tool/" + platform + "/link"} {
		err := h.program(t, path.Join("usr/local/go", file), filepath.Join(root, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrNotExist) && file == "bin/go" {
			return err
		}
	}
	if err := t.copyFolder("usr/local/go/pkg/include", filepath.Join(root, "pkg", "include"), nil); err != nil {
		return err
	}
	return t.copyFolder("usr/local/go/src", filepath.Join(root, "src"), func(rel string, d fs.DirEntry) bool {
		return rel == "cmd" || d.IsDir() && d.Name() == "testdata" || strings.HasSuffix(rel, "_test.go")
	})
}

// getenv is a variable of the environment that is looked in.
func (h *host) getenv(name string) string { return tool.Getenv(h.env, name) }
