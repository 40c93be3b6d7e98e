//go:build toolchains

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// newRealRuntime uses the engine of DOCKER_HOST, or that in the usual place, which must have the images that `heddle images build` makes. Without an
// engine the test fails: it is what is tested with.
func newRealRuntime(t *testing.T, change func(*Options)) *Runtime {
	t.Helper()
	o := Options{
		VM: config.VM{Endpoint: os.Getenv("DOCKER_HOST")},
		Images: platform.Images{
			Builder: config.ExpandImage("$(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)"),
			Golang:  config.ExpandImage("$(BASE_DOCKER_NS)/fabric-baseos:$(ARCH)-$(BASE_VERSION)"),
		},
		NetworkID: "realtest", PeerID: "peer", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), BuildLog: slog.New(slog.DiscardHandler),
	}
	change(&o)
	r, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		removeImages(t, r, "realtest-peer-*")
		require.NoError(t, r.Close())
	})
	require.NoError(t, r.Ping(t.Context()), "start an engine, as .ci/run does, or name one with DOCKER_HOST")
	return r
}

// removeImages removes the images whose names match, in which nothing runs any more.
func removeImages(t *testing.T, r *Runtime, names string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	list, err := r.engine.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", names)})
	require.NoError(t, err)
	for _, i := range list.Items {
		_, err := r.engine.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{PruneChildren: true, Force: true})
		require.NoError(t, err)
	}
}

// counter launches the sample of that name, with a peer that accepts connections and says nothing.
func counter(t *testing.T, version string) runtime.Launch {
	t.Helper()
	gopath, err := filepath.Abs("../../../samples/_gopath")
	require.NoError(t, err)
	code, err := golang.Collect("example.com/counter", []string{"GOPATH=" + gopath, "GO111MODULE=off", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	authority, err := runtime.NewAuthority(time.Now())
	require.NoError(t, err)
	own, _, err := authority.Issue("counter:" + version)
	require.NoError(t, err)
	hash := sha256.Sum256(append(code, version...))
	return runtime.Launch{
		Name: "counter", Version: version, PeerAddress: listener.Addr().String(), Env: []string{"CORE_CHAINCODE_LOGGING_LEVEL=debug"},
		TLS: own,
		Package: &pack.Package{
			Name: "counter", Version: version, Path: "example.com/counter", Type: peerpb.ChaincodeSpec_GOLANG, CodeHash: hash[:],
			Spec: &peerpb.ChaincodeDeploymentSpec{CodePackage: code},
		},
	}
}

// imageOf inspects the image of a chaincode.
func imageOf(t *testing.T, r *Runtime, l runtime.Launch) client.ImageInspectResult {
	t.Helper()
	name, err := r.o.imageName(l.Name, l.Version)
	require.NoError(t, err)
	i, err := r.engine.ImageInspect(t.Context(), name)
	require.NoError(t, err)
	return i
}

// TestWhatTheEngineIsAskedFor sets what every engine can do of vm.docker.hostConfig, and looks at the container that comes of it.
func TestWhatTheEngineIsAskedFor(t *testing.T) {
	asked := config.HostConfig{
		NetworkMode: "host", Dns: []string{"192.168.0.1"}, DnsSearch: []string{"example.com"}, ExtraHosts: []string{"peer0:127.0.0.1"},
		IpcMode: "host", PidMode: "host", UTSMode: "host",
		LogConfig: config.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "50m", "max-file": "5"}},
		CapAdd:    []string{"CAP_NET_ADMIN"}, CapDrop: []string{"CAP_MKNOD"}, SecurityOpt: []string{"no-new-privileges"},
		Memory: 1 << 30, MemorySwap: 1 << 30, CpuShares: 512, CpusetCPUs: "0", CpuQuota: 90000, CpuPeriod: 100000,
	}
	r := newRealRuntime(t, func(o *Options) { o.VM.Docker.HostConfig = asked })
	l := counter(t, "1.0")
	i, err := r.Start(t.Context(), l)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Stop(context.WithoutCancel(t.Context()))) })
	id := i.(*instance).id
	made, err := r.engine.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	require.NoError(t, err)
	c, h := made.Container, made.Container.HostConfig
	require.Equal(t, "/realtest-peer-counter-1.0", c.Name)
	require.True(t, c.State.Running)
	require.Equal(t, []string{"chaincode", "-peer.address=" + l.PeerAddress}, c.Config.Cmd)
	require.Subset(t, c.Config.Env, []string{
		"CORE_CHAINCODE_ID_NAME=counter:1.0", "CORE_CHAINCODE_LOGGING_LEVEL=debug", "CORE_CHAINCODE_BUILDLEVEL=1.4.12",
		"CORE_PEER_TLS_ENABLED=true", "CORE_PEER_TLS_ROOTCERT_FILE=/etc/hyperledger/fabric/peer.crt",
	})
	got := config.HostConfig{
		NetworkMode: string(h.NetworkMode), DnsSearch: h.DNSSearch, ExtraHosts: h.ExtraHosts,
		IpcMode: string(h.IpcMode), PidMode: string(h.PidMode), UTSMode: string(h.UTSMode),
		LogConfig: config.LogConfig{Type: h.LogConfig.Type, Config: h.LogConfig.Config},
		CapAdd:    h.CapAdd, CapDrop: h.CapDrop, SecurityOpt: h.SecurityOpt[:1], // the engine has more to say there
		Memory: h.Memory, MemorySwap: h.MemorySwap, CpuShares: h.CPUShares, CpusetCPUs: h.CpusetCpus, CpuQuota: h.CPUQuota, CpuPeriod: h.CPUPeriod,
	}
	for _, ip := range h.DNS {
		got.Dns = append(got.Dns, ip.String())
	}
	require.Equal(t, asked, got)

	requireFiles(t, r, id, l)
	require.NoError(t, i.Stop(t.Context()))
	require.NotEqual(t, -1, exited(t, i).Code)
}

// requireFiles expects the TLS files of a launch in its container.
func requireFiles(t *testing.T, r *Runtime, id string, l runtime.Launch) {
	t.Helper()
	uploaded, err := r.engine.CopyFromContainer(t.Context(), id, client.CopyFromContainerOptions{SourcePath: filesDir + "/."})
	require.NoError(t, err)
	files, err := readTar(uploaded.Content)
	require.NoError(t, err)
	require.NoError(t, uploaded.Content.Close())
	encoded := base64.StdEncoding.EncodeToString
	require.Equal(t, map[string]string{
		"./": "", "./client.key": encoded(l.TLS.Key), "./client.crt": encoded(l.TLS.Cert), "./client_pem.key": string(l.TLS.Key),
		"./client_pem.crt": string(l.TLS.Cert), "./peer.crt": string(l.TLS.Root),
	}, files)
}

// TestReadonlyRootfs: chaincode that may not write finds its TLS files all the same, and its builder writes.
func TestReadonlyRootfs(t *testing.T) {
	r := newRealRuntime(t, func(o *Options) { o.VM.Docker.HostConfig.ReadonlyRootfs = true })
	volumes := func() int {
		list, err := r.engine.VolumeList(t.Context(), client.VolumeListOptions{})
		require.NoError(t, err)
		return len(list.Items)
	}
	before := volumes()
	l := counter(t, "1.0")
	i, err := r.Start(t.Context(), l)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Stop(context.WithoutCancel(t.Context()))) })
	requireFiles(t, r, i.(*instance).id, l)
	made, err := r.engine.ContainerInspect(t.Context(), i.(*instance).id, client.ContainerInspectOptions{})
	require.NoError(t, err)
	require.True(t, made.Container.State.Running)
	require.True(t, made.Container.HostConfig.ReadonlyRootfs)
	require.NoError(t, i.Stop(t.Context()))
	require.Equal(t, before, volumes())
}

// TestDynamicLink: chaincode may use the builder's C compiler, and is built without where there is none.
func TestDynamicLink(t *testing.T) {
	r := newRealRuntime(t, func(o *Options) { o.Images.DynamicLink = true })
	i, err := r.Start(t.Context(), counter(t, "1.0"))
	require.NoError(t, err)
	made, err := r.engine.ContainerInspect(t.Context(), i.(*instance).id, client.ContainerInspectOptions{})
	require.NoError(t, err)
	require.True(t, made.Container.State.Running)
	require.NoError(t, i.Stop(t.Context()))
}

// TestPull has a registry whose runtime image changes: chaincode.pull decides whether a later build sees that.
func TestPull(t *testing.T) {
	images := newRegistry(t)
	images.put("one")
	tidying := newRealRuntime(t, func(*Options) {})
	t.Cleanup(func() { removeImages(t, tidying, strings.TrimSuffix(images.name, ":1")) }) // after what was made on it
	for _, c := range []struct {
		pull          bool
		version, base string // of the chaincode; what its image is made on
	}{{false, "1.0", "one"}, {false, "2.0", "one"}, {true, "3.0", "two"}} {
		r := newRealRuntime(t, func(o *Options) { o.Pull, o.Images.Golang = c.pull, images.name })
		l := counter(t, c.version)
		i, err := r.Start(t.Context(), l)
		require.NoError(t, err)
		require.NoError(t, i.Stop(t.Context()))
		require.Equal(t, c.base, imageOf(t, r, l).Config.Labels["base"])
		images.put("two")
	}
}

// registry serves one image, which holds a folder and a label.
type registry struct {
	name string

	mu       sync.Mutex
	manifest []byte
	blobs    map[string][]byte // by digest, the manifests among them
}

// newRegistry starts a registry that ends with the test.
func newRegistry(t *testing.T) *registry {
	t.Helper()
	g := &registry{blobs: map[string][]byte{}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.name = strings.TrimPrefix(server.URL, "http://") + "/org/base:1"
	return g
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

// put makes a new image the one of that name.
func (g *registry) put(label string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	blob := func(b []byte) map[string]any {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(b))
		g.blobs[digest] = b
		return map[string]any{"digest": digest, "size": len(b)}
	}
	typed := func(d map[string]any, kind string) map[string]any {
		d["mediaType"] = kind
		return d
	}
	encode := func(v any) []byte {
		b, _ := json.Marshal(v) // maps of texts and numbers
		return b
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	_ = errors.Join(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o777}), w.Close()) // to memory
	files := blob(layer.Bytes())
	g.manifest = encode(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": typed(blob(encode(map[string]any{
			"architecture": goruntime.GOARCH, "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": []any{files["digest"]}},
			"config": map[string]any{"Labels": map[string]string{"base": label}, "Env": []string{"PATH=/usr/local/bin"}},
		})), "application/vnd.docker.container.image.v1+json"),
		"layers": []any{typed(files, "application/vnd.docker.image.rootfs.diff.tar")},
	})
	blob(g.manifest)
}

func (g *registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	content, found := g.blobs[filepath.Base(r.URL.Path)]
	switch path := strings.TrimPrefix(r.URL.Path, "/v2/"); {
	case path == "":
		return
	case path == "org/base/manifests/1":
		content, found = g.manifest, true
	}
	if !found {
		http.NotFound(w, r)
		return
	}
	if strings.Contains(r.URL.Path, "/manifests/") {
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256(content)))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
