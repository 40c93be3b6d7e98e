package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTree(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tool"), []byte("#!/bin/sh\n"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lib"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lib", "a.txt"), []byte("a"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lib", "skipped"), []byte("b"), 0o600))
	require.NoError(t, os.Symlink("a.txt", filepath.Join(dir, "lib", "link")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "lib", "dangling")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "lib"), filepath.Join(dir, "alias")))

	tr := newTree()
	tr.symlink("bin", "usr/bin")
	tr.folder("/tmp", os.ModeSticky|0o777)
	tr.text("etc/group", "root:x:0:\n")
	require.NoError(t, tr.file("usr/bin/tool", filepath.Join(dir, "tool")))
	require.NoError(t, tr.copyFolder("opt/lib", filepath.Join(dir, "alias"), func(rel string, _ os.DirEntry) bool { return rel == "skipped" }))
	require.Error(t, tr.file("x", dir))
	require.True(t, tr.has("/etc/group"))
	require.EqualValues(t, 22, tr.size())

	var b, again bytes.Buffer
	require.NoError(t, tr.write(&b))
	require.NoError(t, tr.write(&again))
	require.Equal(t, b.Bytes(), again.Bytes(), "the same files make the same archive")
	var got []string
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		got = append(got, strings.TrimSpace(strings.Join([]string{h.FileInfo().Mode().String(), h.Name, h.Linkname, strings.TrimSpace(string(content))}, " ")))
	}
	require.Equal(t, []string{
		"Lrwxrwxrwx bin usr/bin",
		"drwxr-xr-x etc/",
		"-rw-r--r-- etc/group  root:x:0:",
		"drwxr-xr-x opt/",
		"drwxr-xr-x opt/lib/",
		"-rw-r--r-- opt/lib/a.txt  a",
		"-rw-r--r-- opt/lib/link  a",
		"dtrwxrwxrwx tmp/",
		"drwxr-xr-x usr/",
		"drwxr-xr-x usr/bin/",
		"-rwxr-xr-x usr/bin/tool  #!/bin/sh",
	}, got)
}

func TestLdd(t *testing.T) {
	for line, want := range map[string]string{
		"\tlinux-vdso.so.1 (0x00007ffd)\n":                                     "",
		"\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n":          "/lib/x86_64-linux-gnu/libc.so.6",
		"\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n":                           "/lib64/ld-linux-x86-64.so.2",
		"\t/lib64/ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (0x0)\n": "/lib64/ld-linux-x86-64.so.2",
		"\tstatically linked\n":                                                "",
	} {
		library, missing := parseLdd(line)
		require.Equal(t, want, library, line)
		require.False(t, missing)
	}
	_, missing := parseLdd("\tlibx.so => not found\n")
	require.True(t, missing)
}

func TestBaseHasAShellAndItsLibraries(t *testing.T) {
	h := host{ctx: t.Context(), env: os.Environ()}
	base, err := h.base()
	require.NoError(t, err)
	for _, name := range append([]string{"sh"}, neededTools...) {
		require.True(t, base.has("usr/bin/"+name), name)
	}
	require.Equal(t, "usr/bin", base.entries["bin"].link)
	_, err = (&host{ctx: t.Context()}).find("sh")
	require.EqualError(t, err, "sh is not on PATH")
	_, err = (&host{ctx: t.Context(), env: []string{"PATH=" + t.TempDir()}}).base()
	require.ErrorIs(t, err, errMissing)
}

// engine is what the maker needs of a Docker engine, on a unix socket.
type engine struct {
	mu       sync.Mutex
	requests []string
	imported []map[string]bool // files of each import
	status   int               // of the warm-up
	known    map[string]string // ids of images that are there, by name
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := regexp.MustCompile(`^/v1\.\d+`).ReplaceAllString(r.URL.Path, "")
	w.Header().Set("Api-Version", "1.41")
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	e.mu.Lock()
	defer e.mu.Unlock()
	q := r.URL.Query()
	e.requests = append(e.requests, strings.TrimSpace(strings.Join([]string{r.Method, path, q.Get("repo"), q.Get("tag")}, " ")))
	switch {
	case path == "/images/create":
		files := map[string]bool{}
		for t := tar.NewReader(r.Body); ; {
			h, err := t.Next()
			if err != nil {
				break
			}
			files[h.Name] = true
		}
		e.imported = append(e.imported, files)
		answer(map[string]string{"status": "sha256:raw"})
	case path == "/containers/create":
		w.WriteHeader(http.StatusCreated)
		answer(map[string]string{"Id": "c"})
	case strings.HasSuffix(path, "/archive"):
		_, _ = io.Copy(io.Discard, r.Body)
	case strings.HasSuffix(path, "/wait"):
		answer(map[string]int{"StatusCode": e.status})
	case strings.HasSuffix(path, "/logs"):
		_, _ = w.Write(append([]byte{2, 0, 0, 0, 0, 0, 0, 4}, "oops"...))
	case strings.HasPrefix(path, "/images/") && strings.HasSuffix(path, "/json"):
		id, ok := e.known[strings.TrimSuffix(strings.TrimPrefix(path, "/images/"), "/json")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer(map[string]string{"message": "no such image"})
			return
		}
		answer(map[string]string{"Id": id})
	case path == "/commit":
		w.WriteHeader(http.StatusCreated)
		answer(map[string]string{"Id": "sha256:warm"})
	case r.Method == http.MethodDelete && strings.HasPrefix(path, "/images/"):
		answer([]any{})
	}
}

func newMaker(t *testing.T, e *engine) *Maker {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	server := &http.Server{Handler: e}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	c, err := client.New(client.WithHost("unix://" + listener.Addr().String()))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.NoError(t, server.Shutdown(context.WithoutCancel(t.Context())))
		<-done
	})
	return &Maker{
		Engine: c, Names: Names{Builder: "org/ccenv:1", Golang: "org/baseos:1", Car: "org/baseos:1", Node: "org/baseimage:1", Java: "org/javaenv:1"}, Env: os.Environ(), Log: slog.New(slog.DiscardHandler),
	}
}

func TestMakeForGo(t *testing.T) {
	e := &engine{known: map[string]string{"org/ccenv:1": "sha256:old", "sha256:old": "sha256:old"}}
	m := newMaker(t, e)
	require.NoError(t, m.Make(t.Context(), "go"))
	require.Equal(t, []string{
		"HEAD /_ping",
		"GET /images/org/baseos:1/json",
		"POST /images/create org/baseos:1",
		"GET /images/org/ccenv:1/json",
		"POST /images/create",
		"POST /containers/create",
		"PUT /containers/c/archive",
		"POST /containers/c/start",
		"POST /containers/c/wait",
		"POST /commit docker.io/org/ccenv 1",
		"DELETE /containers/c",
		"DELETE /images/sha256:raw",
		"GET /images/sha256:old/json",
		"DELETE /images/sha256:old",
	}, e.requests)
	require.True(t, e.imported[0]["usr/bin/sh"])
	require.False(t, e.imported[0]["usr/local/go/bin/go"])
	for _, name := range []string{"usr/bin/sh", "usr/local/go/bin/go", "usr/local/go/src/net/http/server.go", "chaincode/input/", "chaincode/output/"} {
		require.True(t, e.imported[1][name], name)
	}
	require.False(t, e.imported[1]["usr/local/go/src/net/http/server_test.go"])
}

// TestMakeForCAR: an image of its own is made only if it has a name of its own.
func TestMakeForCAR(t *testing.T) {
	e := &engine{}
	m := newMaker(t, e)
	m.Names.Car = "org/caros:1"
	require.NoError(t, m.Make(t.Context(), "go"))
	require.Equal(t, []string{
		"GET /images/org/baseos:1/json", "POST /images/create org/baseos:1", "GET /images/org/caros:1/json", "POST /images/create org/caros:1",
	}, e.requests[1:5])
	require.Equal(t, e.imported[0], e.imported[1])
}

func TestMakeFails(t *testing.T) {
	e := &engine{status: 2}
	m := newMaker(t, e)
	require.EqualError(t, m.Make(t.Context(), "cobol"), `images for "cobol" cannot be made; the languages are [go node java]`)
	require.Empty(t, e.requests)
	require.ErrorContains(t, m.Make(t.Context(), "go"), "making image org/ccenv:1: compiling the shim: status 2: oops")
	require.Contains(t, e.requests, "DELETE /containers/c")

	bin := t.TempDir() // everything but go and node
	for _, name := range append([]string{"ldd"}, neededTools...) {
		file, err := (&host{env: os.Environ()}).find(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(file, filepath.Join(bin, name)))
	}
	m.Env = []string{"PATH=" + bin}
	require.EqualError(t, m.Make(t.Context(), "go"), "making image org/ccenv:1: go is not on PATH")
	require.EqualError(t, m.Make(t.Context(), "node"), "making image org/baseimage:1: node is not on PATH")
	require.EqualError(t, m.Make(t.Context(), "java"), "making image org/javaenv:1: javac is not on PATH")
}
