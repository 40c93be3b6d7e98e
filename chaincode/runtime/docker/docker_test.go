package docker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	builderImage = "hyperledger/fabric-ccenv:1.4"
	runtimeImage = "hyperledger/fabric-baseos:amd64-0.4.22"
)

// logged is a log that tests read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// compiles is what a builder does when all is well, and chaincode runs until it is told to end.
func compiles(c *fakeContainer) int {
	if c.Spec.Image == builderImage {
		c.Say(2, "compiling\n")
		c.Output["chaincode"] = "binary"
		return 0
	}
	<-c.Stopped
	return 143
}

func newRuntime(t *testing.T, e *fakeEngine, change func(*Options)) (*Runtime, *logged) {
	t.Helper()
	if e.run == nil {
		e.run = compiles
	}
	out := &logged{}
	log := slog.New(slog.NewTextHandler(out, nil))
	o := Options{
		VM:        config.VM{Endpoint: e.endpoint, Docker: config.Docker{HostConfig: config.HostConfig{Memory: 1 << 30}}},
		Images:    platform.Images{Builder: builderImage, Golang: runtimeImage},
		NetworkID: "dev", PeerID: "peer0.org1", Dir: "/var/peer0", Log: log, BuildLog: log,
	}
	if change != nil {
		change(&o)
	}
	r, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r, out
}

// withImages gives the engine what builds need.
func withImages(e *fakeEngine) *fakeEngine {
	e.images[builderImage], e.images[runtimeImage] = nil, nil
	return e
}

func launch(t *testing.T, content string) runtime.Launch {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "src/example.com/kv/main.go", Size: int64(len(content)), Mode: 0o100644, Typeflag: tar.TypeReg}))
	_, err := w.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, errors.Join(w.Close(), gz.Close()))
	return runtime.Launch{
		Name: "kv", Version: "1.0", PeerAddress: "127.0.0.1:7052", Env: []string{"CORE_CHAINCODE_LOGGING_LEVEL=info"},
		Package: &pack.Package{
			Name: "kv", Version: "1.0", Path: "example.com/kv", Type: peerpb.ChaincodeSpec_GOLANG, CodeHash: []byte(content),
			Spec: &peerpb.ChaincodeDeploymentSpec{CodePackage: b.Bytes()},
		},
	}
}

func exited(t *testing.T, i runtime.Instance) runtime.Exit {
	t.Helper()
	select {
	case e := <-i.Wait():
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("the instance does not end")
		return runtime.Exit{}
	}
}

const containerOfKV = "dev-peer0.org1-kv-1.0"

func TestStartBuildsOnceAndRunsInAContainer(t *testing.T) {
	e := withImages(newFakeEngine(t))
	metrics := prometheus.NewRegistry()
	r, log := newRuntime(t, e, func(o *Options) {
		o.Metrics = NewMetrics(metrics)
		o.VM.Docker.AttachStdout = true
		o.Env = []string{"HTTPS_PROXY=http://proxy:3128", "no_proxy=localhost", "SECRET=x"}
	})
	var compiled *fakeContainer
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == builderImage {
			compiled = c
			return compiles(c)
		}
		c.Say(1, "hello\n")
		c.Say(2, "oh no\nlast words")
		<-c.Stopped
		return 143
	}
	l := launch(t, "package main")
	l.TLS = &runtime.TLS{Cert: []byte("cert"), Key: []byte("key"), Root: []byte("root")}
	i, err := r.Start(t.Context(), l)
	require.NoError(t, err)
	image, err := r.o.imageName("kv", "1.0")
	require.NoError(t, err)

	require.Equal(t, []string{
		"GET /containers/json",
		"DELETE /containers/dev-peer0.org1-kv-1.0",
		"GET /images/" + image + "/json",
		"GET /images/" + builderImage + "/json",
		"GET /images/" + runtimeImage + "/json",
		"POST /containers/create",
		"PUT /containers/" + compiled.ID + "/archive /chaincode/input",
		"POST /containers/" + compiled.ID + "/attach",
		"POST /containers/" + compiled.ID + "/start",
		"POST /containers/" + compiled.ID + "/wait",
		"GET /containers/" + compiled.ID + "/json",
		"GET /containers/" + compiled.ID + "/archive /chaincode/output/.",
		"DELETE /containers/" + compiled.ID,
		"POST /build",
		"POST /containers/create",
	}, e.asked("")[:15])
	require.Equal(t, []string{"HTTPS_PROXY=http://proxy:3128", "no_proxy=localhost"}, compiled.Spec.Env)
	require.Equal(t, []string{"/bin/sh", "-c"}, compiled.Spec.Cmd[:2])
	require.Equal(t, "package main", compiled.Files["/chaincode/input/src/example.com/kv/main.go"])
	require.NotEmpty(t, compiled.Files["/chaincode/input/carried/src/github.com/hyperledger/fabric/go.mod"])

	require.Len(t, e.builds, 1)
	require.Equal(t, `FROM hyperledger/fabric-baseos:amd64-0.4.22
ADD binpackage.tar /usr/local/bin
LABEL \
  org.hyperledger.fabric.chaincode.id.name="kv" \
  org.hyperledger.fabric.chaincode.id.version="1.0" \
  org.hyperledger.fabric.chaincode.type="GOLANG" \
  org.hyperledger.fabric.version="1.4.12" \
  org.hyperledger.fabric.base.version="0.4.22" \
  io.heddle.chaincode.code="`+hex.EncodeToString([]byte("package main"))+`"
ENV CORE_CHAINCODE_BUILDLEVEL=1.4.12
`, e.builds[0]["Dockerfile"])
	inside, err := readTar(strings.NewReader(e.builds[0]["binpackage.tar"]))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"chaincode": "binary"}, inside)
	require.Contains(t, e.builds[0]["?"], "networkmode=host")
	require.Contains(t, e.builds[0]["?"], "HTTPS_PROXY")

	c := e.find(containerOfKV)
	require.NotNil(t, c)
	require.Equal(t, image, c.Spec.Image)
	require.Equal(t, []string{"chaincode", "-peer.address=127.0.0.1:7052"}, c.Spec.Cmd)
	require.Contains(t, c.Spec.Env, "CORE_CHAINCODE_ID_NAME=kv:1.0")
	require.Contains(t, c.Spec.Env, "CORE_TLS_CLIENT_KEY_PATH=/etc/hyperledger/fabric/client.key")
	require.NotContains(t, strings.Join(c.Spec.Env, " "), "PROXY")
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("key")), c.Files["/etc/hyperledger/fabric/client.key"])
	require.Equal(t, "root", c.Files["/etc/hyperledger/fabric/peer.crt"])
	require.Equal(t, map[string]string{"io.heddle.peer": "dev/peer0.org1//var/peer0"}, c.Spec.Labels)
	require.EqualValues(t, 1<<30, c.Spec.HostConfig["Memory"])
	require.Equal(t, "host", c.Spec.HostConfig["NetworkMode"])

	require.NoError(t, i.Stop(t.Context()))
	require.Equal(t, runtime.Exit{Code: 143, Stderr: []string{"oh no", "last words"}}, exited(t, i))
	require.Zero(t, e.left())
	require.Contains(t, log.String(), "msg=hello chaincode=kv:1.0 stream=stdout")
	require.Contains(t, log.String(), "msg=compiling chaincode=kv:1.0")
	require.Contains(t, log.String(), `msg="Step 1/2 : FROM it"`)
	measured, err := metrics.Gather()
	require.NoError(t, err)
	require.Equal(t, "dockercontroller_chaincode_container_build_duration", measured[0].GetName())

	i, err = r.Start(t.Context(), l)
	require.NoError(t, err)
	require.NoError(t, i.Stop(t.Context()))
	require.Len(t, e.builds, 1, "the image is there")
	l = launch(t, "package main // changed")
	i, err = r.Start(t.Context(), l)
	require.NoError(t, err)
	require.NoError(t, i.Stop(t.Context()))
	require.Len(t, e.builds, 2, "an image of other code is made again")
	require.Len(t, e.asked("DELETE /images/sha256:"+image), 1, "and replaces the first")
}

func TestOutputIsNotLoggedUnlessAskedFor(t *testing.T) {
	e := withImages(newFakeEngine(t))
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == builderImage {
			return compiles(c)
		}
		c.Say(2, "panic: here\n")
		return 2
	}
	r, log := newRuntime(t, e, nil)
	i, err := r.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	require.Equal(t, "container exited with 2; its last lines: panic: here", exited(t, i).String())
	require.NotContains(t, log.String(), "panic")
	require.NoError(t, i.Stop(t.Context()), "it is over")
	require.Zero(t, e.left())
}

func TestOutOfMemory(t *testing.T) {
	e := withImages(newFakeEngine(t))
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == builderImage {
			return compiles(c)
		}
		c.OOM = true
		return 137
	}
	r, _ := newRuntime(t, e, nil)
	i, err := r.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	require.Equal(t, "container exited with 137: it was killed for using more memory than vm.docker.hostConfig.Memory allows, 1073741824 bytes", exited(t, i).String())
}

func TestOneBuildForAllWhoWait(t *testing.T) {
	e := withImages(newFakeEngine(t))
	proceed := make(chan struct{})
	builders := 0
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == builderImage {
			builders++
			<-proceed
		}
		return compiles(c)
	}
	r, _ := newRuntime(t, e, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			image, err := r.image(t.Context(), ptr(launch(t, "x")), mustContainer(t, r, launch(t, "x")))
			require.NoError(t, err)
			require.NotEmpty(t, image)
		})
	}
	require.Eventually(t, func() bool { return e.left() == 1 }, 10*time.Second, time.Millisecond)
	time.Sleep(20 * time.Millisecond) // let the others join
	close(proceed)
	wg.Wait()
	require.Equal(t, 1, builders)
	require.Len(t, e.builds, 1)
}

func ptr[T any](v T) *T { return &v }

func mustContainer(t *testing.T, r *Runtime, l runtime.Launch) *platform.Container {
	t.Helper()
	c, err := platform.InContainer(l.Package.Type, l.Package.Spec.CodePackage, l.Package.Path, r.o.Images)
	require.NoError(t, err)
	return c
}

func TestBuildFails(t *testing.T) {
	e := withImages(newFakeEngine(t))
	e.run = func(c *fakeContainer) int {
		for n := range 60 {
			c.Say(2, fmt.Sprintf("line %d\n", n))
		}
		c.Say(2, "main.go:3: cannot find package \"x\"\n")
		return 1
	}
	r, log := newRuntime(t, e, nil)
	_, err := r.Start(t.Context(), launch(t, "x"))
	require.ErrorContains(t, err, "error building chaincode kv:1.0: Failed to generate platform-specific docker build: Error returned from build: 1 \"")
	require.ErrorContains(t, err, `line 59\nmain.go:3: cannot find package \"x\"`)
	require.ErrorContains(t, err, "in a vendor folder")
	require.NotContains(t, err.Error(), "line 20\\n", "its end is enough")
	require.Contains(t, log.String(), `msg="line 0" chaincode=kv:1.0`)
	require.Zero(t, e.left())
	require.Empty(t, e.builds)
}

func TestImagesArePulled(t *testing.T) {
	e := newFakeEngine(t)
	r, _ := newRuntime(t, e, nil)
	_, err := r.Start(t.Context(), launch(t, "x"))
	require.ErrorContains(t, err, "Failed to pull hyperledger/fabric-ccenv:1.4: ")
	require.ErrorContains(t, err, "no route to host; where there is no registry, `heddle images build --language go` makes it from what this machine has")
	e.registry[builderImage], e.registry[runtimeImage] = true, true
	i, err := r.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	require.NoError(t, i.Stop(t.Context()))
}

func TestABuildNobodyWaitsForIsGivenUp(t *testing.T) {
	e := withImages(newFakeEngine(t))
	begun := make(chan struct{})
	e.run = func(c *fakeContainer) int {
		close(begun)
		<-c.Stopped
		return 137
	}
	r, _ := newRuntime(t, e, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-begun
		cancel(errors.New("enough"))
	}()
	_, err := r.Start(ctx, launch(t, "x"))
	require.ErrorContains(t, err, "enough")
	require.Zero(t, e.left(), "the builder is removed")
}

func TestStartFailsCleanly(t *testing.T) {
	for step, want := range map[string]string{
		"PUT":    "uploading its files: ",
		"attach": "attaching to its output: ",
		"start":  "Error response from daemon: no",
	} {
		t.Run(step, func(t *testing.T) {
			e := withImages(newFakeEngine(t))
			r, _ := newRuntime(t, e, nil)
			l := launch(t, "x")
			l.TLS = &runtime.TLS{}
			image, err := r.image(t.Context(), &l, mustContainer(t, r, l))
			require.NoError(t, err)
			require.NotEmpty(t, image)
			e.refusing(func(request string) string {
				if strings.HasPrefix(request, step) || strings.HasSuffix(request, step) {
					return "no"
				}
				return ""
			})
			_, err = r.Start(t.Context(), l)
			require.ErrorContains(t, err, "starting the container of chaincode kv:1.0: ")
			require.ErrorContains(t, err, want)
			require.Zero(t, e.left())
		})
	}
	r, _ := newRuntime(t, newFakeEngine(t), nil)
	_, err := r.Start(t.Context(), runtime.Launch{Name: "kv", Version: "1.0"})
	require.ErrorContains(t, err, "it has no package")
}

func TestWhatAKilledPeerLeftIsRemoved(t *testing.T) {
	e := withImages(newFakeEngine(t))
	first, _ := newRuntime(t, e, nil)
	left, err := first.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	neighbour, _ := newRuntime(t, e, func(o *Options) { o.PeerID = "peer1.org1" })
	other, err := neighbour.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	require.Equal(t, 2, e.left())

	next, log := newRuntime(t, e, nil)
	require.NoError(t, next.Sweep(t.Context()))
	require.Equal(t, 1, e.left())
	require.Contains(t, log.String(), "dev-peer0.org1-kv-1.0")
	require.Equal(t, 143, exited(t, left).Code)
	e.asked()
	require.NoError(t, next.Sweep(t.Context()))
	require.Empty(t, e.asked(""), "once is enough")
	require.NoError(t, other.Stop(t.Context()))
}

// TestAContainerThatIsBeingRemoved: a new one of the name can be made only when the engine is done with the old.
func TestAContainerThatIsBeingRemoved(t *testing.T) {
	e := withImages(newFakeEngine(t))
	r, _ := newRuntime(t, e, nil)
	e.removing.Store(2)
	i, err := r.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	require.Zero(t, e.removing.Load())
	require.NoError(t, i.Stop(t.Context()))
	e.removing.Store(1 << 30)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = r.Start(ctx, launch(t, "x"))
	require.ErrorContains(t, err, "removing container dev-peer0.org1-kv-1.0: ")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// TestLivesLeaveNothing: TestMain sees to goroutines.
func TestLivesLeaveNothing(t *testing.T) {
	e := withImages(newFakeEngine(t))
	r, _ := newRuntime(t, e, nil)
	for range 50 {
		i, err := r.Start(t.Context(), launch(t, "x"))
		require.NoError(t, err)
		require.NoError(t, i.Stop(t.Context()))
	}
	require.Zero(t, e.left())
}

// TestTLS reaches an engine that lets in only those with a certificate.
func TestTLS(t *testing.T) {
	a, err := runtime.NewAuthority(time.Now())
	require.NoError(t, err)
	certificate, err := a.Server("127.0.0.1")
	require.NoError(t, err)
	own, _, err := a.Issue("peer")
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(a.Root()))
	server := httptest.NewUnstartedServer(&fakeEngine{})
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	file := func(name string, content []byte) config.FileRef {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return config.FileRef{File: path}
	}
	vm := config.VM{Docker: config.Docker{TLS: config.DockerTLS{
		Enabled: true, CA: file("ca.crt", a.Root()), Cert: file("tls.crt", own.Cert), Key: file("tls.key", own.Key),
	}}}
	for _, scheme := range []string{"tcp://", "https://"} {
		vm.Endpoint = scheme + server.Listener.Addr().String()
		engine, err := Connect(vm)
		require.NoError(t, err)
		require.NoError(t, Ping(t.Context(), engine), scheme)
		require.NoError(t, engine.Close())
	}
	vm.Docker.TLS.Enabled = false
	engine, err := Connect(vm)
	require.NoError(t, err)
	require.Error(t, Ping(t.Context(), engine), "the system does not trust it")
	require.NoError(t, engine.Close())
	vm.Docker.TLS = config.DockerTLS{Enabled: true, CA: config.FileRef{File: filepath.Join(dir, "missing")}}
	_, err = Connect(vm)
	require.ErrorContains(t, err, "missing")
}

func TestStopWhenTheEngineDoesNotAnswer(t *testing.T) {
	e := withImages(newFakeEngine(t))
	stubborn := make(chan struct{})
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == builderImage {
			return compiles(c)
		}
		<-stubborn
		return 1
	}
	r, _ := newRuntime(t, e, nil)
	i, err := r.Start(t.Context(), launch(t, "x"))
	require.NoError(t, err)
	e.refusing(func(string) string { return "no" })
	require.ErrorContains(t, i.Stop(t.Context()), "removing container")
	require.Error(t, exited(t, i).Err)
	close(stubborn)
}

func TestNoEngine(t *testing.T) {
	r, _ := newRuntime(t, &fakeEngine{endpoint: "unix:///nonexistent/docker.sock"}, nil)
	require.ErrorContains(t, r.Ping(t.Context()), "failed to ping to Docker daemon: ")
	_, err := r.Start(t.Context(), launch(t, "x"))
	require.ErrorContains(t, err, "/nonexistent/docker.sock")
	_, err = New(Options{VM: config.VM{Endpoint: "nonsense"}})
	require.ErrorContains(t, err, "vm.endpoint nonsense: ")
	for _, endpoint := range []string{"", "tcp://127.0.0.1:2375", "http://127.0.0.1:2375", "https://127.0.0.1:2376"} {
		engine, err := Connect(config.VM{Endpoint: endpoint})
		require.NoError(t, err)
		require.NotContains(t, engine.DaemonHost(), "http")
		require.NoError(t, engine.Close())
	}
}

// TestNames holds Fabric's names: what its peers call images and containers, with and without the parts that a configuration may leave out.
func TestNames(t *testing.T) {
	for _, c := range []struct{ network, peer, version, container, image string }{
		{"dev", "peer0.org1.example.com", "1.0", "dev-peer0.org1.example.com-my_CC-1.0", "dev-peer0.org1.example.com-my_cc-1.0-"},
		{"", "jdoe", "1.0", "jdoe-my_CC-1.0", "jdoe-my_cc-1.0-"},
		{"net", "", "v+1", "net-my_CC-v-1", "net-my_cc-v-1-"},
		{"", "", "", "my_CC", "my_cc-"},
	} {
		o := Options{NetworkID: c.network, PeerID: c.peer}
		require.Equal(t, c.container, o.containerName("my_CC", c.version))
		image, err := o.imageName("my_CC", c.version)
		require.NoError(t, err)
		require.Regexp(t, "^"+c.image+"[0-9a-f]{64}$", image)
	}
	o := Options{NetworkID: "dev", PeerID: "peer0.org1.example.com"}
	image, err := o.imageName("mycc", "1.0")
	require.NoError(t, err)
	require.Equal(t, "dev-peer0.org1.example.com-mycc-1.0-384f11f484b9302df90b453200cfb25174305fce8f53f4e94d45ee3b6cab0ce9", image)
	_, err = (&Options{PeerID: "peer..0"}).imageName("mycc", "1.0")
	require.ErrorContains(t, err, "Error constructing Docker VM Name. 'peer..0-mycc-1.0-")
}

func TestHostConfig(t *testing.T) {
	h := hostConfig(&config.HostConfig{})
	require.EqualValues(t, "host", h.NetworkMode)
	require.Nil(t, h.MemorySwappiness)
	h = hostConfig(&config.HostConfig{
		NetworkMode: "bridge", Dns: []string{"192.168.0.1"}, DnsSearch: []string{"org"}, ExtraHosts: []string{"peer:1.2.3.4"},
		LogConfig: config.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "50m"}}, CapDrop: []string{"ALL"},
		Memory: 1, MemorySwap: -1, MemorySwappiness: 60, OomKillDisable: true, CpuShares: 2, Cpuset: "0-1", CpuQuota: 3, CpuPeriod: 4, BlkioWeight: 5,
		CgroupParent: "/parent", CpusetMEMs: "1", ReadonlyRootfs: true,
	})
	require.Equal(t, "/parent", h.CgroupParent)
	require.Equal(t, "1", h.CpusetMems)
	require.True(t, h.ReadonlyRootfs)
	require.EqualValues(t, 5, h.BlkioWeight)
	require.EqualValues(t, "bridge", h.NetworkMode)
	require.Equal(t, "192.168.0.1", h.DNS[0].String())
	require.Equal(t, "50m", h.LogConfig.Config["max-size"])
	require.EqualValues(t, 60, *h.MemorySwappiness)
	require.True(t, *h.OomKillDisable)
	require.Equal(t, "0-1", h.CpusetCpus)
	require.EqualValues(t, 3, h.CPUQuota)
}
