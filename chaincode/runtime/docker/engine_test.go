package docker

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeEngine speaks as much of the Docker Engine's API as the runtime uses, over a unix socket. What containers do is a function of the test.
type fakeEngine struct {
	endpoint string
	run      func(c *fakeContainer) int // what a started container does; its status
	registry map[string]bool            // images that can be pulled

	removing atomic.Int32 // how many more removals are said to be under way already

	mu         sync.Mutex
	requests   []string
	images     map[string]map[string]string // labels by name
	containers map[string]*fakeContainer
	builds     []map[string]string // context of each build by file name, and the query as ?
	refuse     func(request string) string
}

// fakeContainer is one container.
type fakeContainer struct {
	ID, Name string
	Spec     struct {
		Image      string
		Cmd, Env   []string
		Labels     map[string]string
		HostConfig map[string]any
	}
	Files   map[string]string // uploaded, by path
	Output  map[string]string // of /chaincode/output
	Stopped chan struct{}     // closed when it is told to end
	OOM     bool

	stop     sync.Once
	mu       sync.Mutex
	attached net.Conn
	started  bool
	exited   chan struct{}
	status   int
}

// Say writes to the container's standard output (1) or error (2).
func (c *fakeContainer) Say(stream byte, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attached == nil {
		return
	}
	frame := binary.BigEndian.AppendUint32([]byte{stream, 0, 0, 0}, uint32(len(text)))
	_, _ = c.attached.Write(append(frame, text...))
}

func newFakeEngine(t *testing.T) *fakeEngine {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "engine.sock")
	e := &fakeEngine{endpoint: "unix://" + socket, registry: map[string]bool{}, images: map[string]map[string]string{}, containers: map[string]*fakeContainer{}}
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &http.Server{Handler: e}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	return e
}

var versioned = regexp.MustCompile(`^/v1\.\d+`)

func (e *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := versioned.ReplaceAllString(r.URL.Path, "")
	q := r.URL.Query()
	request := strings.TrimSpace(r.Method + " " + path + " " + q.Get("path"))
	w.Header().Set("Api-Version", "1.41")
	if path == "/_ping" {
		return
	}
	e.mu.Lock()
	e.requests = append(e.requests, request)
	refuse := e.refuse
	e.mu.Unlock()
	if refuse != nil {
		if said := refuse(request); said != "" {
			fail(w, http.StatusInternalServerError, said)
			return
		}
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case path == "/containers/create":
		e.create(w, r, q)
	case path == "/containers/json":
		e.list(w, q)
	case path == "/build":
		e.build(w, r)
	case path == "/images/create":
		e.pull(w, q)
	case parts[0] == "images":
		name := strings.TrimSuffix(strings.TrimPrefix(path, "/images/"), "/json")
		e.mu.Lock()
		labels, ok := e.images[strings.TrimPrefix(name, "sha256:")]
		e.mu.Unlock()
		if !ok {
			fail(w, http.StatusNotFound, "No such image: "+name)
			return
		}
		if r.Method == http.MethodDelete {
			answer(w, []any{})
			return
		}
		answer(w, map[string]any{"Id": "sha256:" + name, "Config": map[string]any{"Labels": labels}})
	case r.Method == http.MethodDelete && e.removing.Load() > 0:
		e.removing.Add(-1)
		fail(w, http.StatusConflict, "removal of container is already in progress")
	case parts[0] == "containers":
		c := e.find(parts[1])
		if c == nil {
			fail(w, http.StatusNotFound, "No such container: "+parts[1])
			return
		}
		e.container(w, r, c, strings.Join(append([]string{r.Method}, parts[2:]...), " "))
	default:
		fail(w, http.StatusNotImplemented, request)
	}
}

func (e *fakeEngine) container(w http.ResponseWriter, r *http.Request, c *fakeContainer, what string) {
	switch what {
	case "PUT archive":
		files, err := readTar(r.Body)
		if err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		for name, content := range files {
			c.Files[filepath.Join(r.URL.Query().Get("path"), name)] = content
		}
	case "GET archive":
		stat, _ := json.Marshal(map[string]any{"name": "output"})
		w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString(stat))
		t := tar.NewWriter(w)
		for name, content := range c.Output {
			_ = t.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o755})
			_, _ = t.Write([]byte(content))
		}
		_ = t.Close()
	case "POST attach":
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.attached = conn
		fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	case "POST start":
		c.mu.Lock()
		c.started = true
		c.mu.Unlock()
		go e.live(c)
		w.WriteHeader(http.StatusNoContent)
	case "POST wait":
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-c.exited:
			answer(w, map[string]any{"StatusCode": c.status})
		case <-r.Context().Done():
		}
	case "POST stop":
		c.end()
		select {
		case <-c.exited:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusNoContent)
	case "GET json":
		answer(w, map[string]any{"Id": c.ID, "State": map[string]any{"OOMKilled": c.OOM}})
	case "DELETE":
		c.end()
		e.mu.Lock()
		delete(e.containers, c.ID)
		e.mu.Unlock()
		c.mu.Lock()
		started := c.started
		c.started = true
		c.mu.Unlock()
		if !started {
			c.over(137)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		fail(w, http.StatusNotImplemented, what)
	}
}

func (e *fakeEngine) live(c *fakeContainer) {
	status := e.run(c)
	c.over(status)
}

func (c *fakeContainer) end() { c.stop.Do(func() { close(c.Stopped) }) }

func (c *fakeContainer) over(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
	if c.attached != nil {
		_ = c.attached.Close()
	}
	close(c.exited)
}

func (e *fakeEngine) create(w http.ResponseWriter, r *http.Request, q url.Values) {
	c := &fakeContainer{Name: q.Get("name"), Files: map[string]string{}, Output: map[string]string{}, Stopped: make(chan struct{}), exited: make(chan struct{})}
	if err := json.NewDecoder(r.Body).Decode(&c.Spec); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.images[c.Spec.Image]; !ok {
		fail(w, http.StatusNotFound, "No such image: "+c.Spec.Image)
		return
	}
	c.ID = fmt.Sprintf("id%d", len(e.requests))
	e.containers[c.ID] = c
	w.WriteHeader(http.StatusCreated)
	answer(w, map[string]any{"Id": c.ID})
}

func (e *fakeEngine) list(w http.ResponseWriter, q url.Values) {
	var filters struct{ Label map[string]bool }
	_ = json.Unmarshal([]byte(q.Get("filters")), &filters)
	found := []map[string]any{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.containers {
		for label, value := range c.Spec.Labels {
			if filters.Label[label+"="+value] {
				found = append(found, map[string]any{"Id": c.ID, "Names": []string{"/" + c.Name}})
			}
		}
	}
	answer(w, found)
}

var labelLine = regexp.MustCompile(`(?m)^  ([^=]+)="(.*)"( \\)?$`)

func (e *fakeEngine) build(w http.ResponseWriter, r *http.Request) {
	files, err := readTar(r.Body)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	q := r.URL.Query()
	files["?"] = q.Encode()
	labels := map[string]string{}
	for _, m := range labelLine.FindAllStringSubmatch(files["Dockerfile"], -1) {
		labels[m[1]] = m[2]
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.builds = append(e.builds, files)
	e.images[q.Get("t")] = labels
	answer(w, map[string]any{"stream": "Step 1/2 : FROM it\n"})
	answer(w, map[string]any{"aux": map[string]string{"ID": "sha256:x"}})
}

func (e *fakeEngine) pull(w http.ResponseWriter, q url.Values) {
	name := q.Get("fromImage") + ":" + q.Get("tag")
	name = strings.TrimPrefix(name, "docker.io/")
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.registry[name] {
		fail(w, http.StatusInternalServerError, "Get \"https://registry-1.docker.io/v2/\": no route to host")
		return
	}
	e.images[name] = map[string]string{}
	answer(w, map[string]any{"status": "Downloaded"})
}

// find looks for a container by id or name.
func (e *fakeEngine) find(name string) *fakeContainer {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.containers[name]; c != nil {
		return c
	}
	for _, c := range e.containers {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// refusing makes the engine answer requests with an error for which refuse has a text.
func (e *fakeEngine) refusing(refuse func(request string) string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refuse = refuse
}

// asked returns the requests so far that begin with one of the given words, and forgets all.
func (e *fakeEngine) asked(prefixes ...string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []string
	for _, r := range e.requests {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(r, p) }) {
			found = append(found, r)
		}
	}
	e.requests = nil
	return found
}

func (e *fakeEngine) left() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.containers)
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer(w, map[string]string{"message": message})
}

func readTar(r io.Reader) (map[string]string, error) {
	files := map[string]string{}
	buffered := bufio.NewReader(r)
	r = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" { // engines take compressed archives as well
		gz, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		r = gz
	}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, t); err != nil {
			return nil, err
		}
		files[h.Name] = b.String()
	}
}
