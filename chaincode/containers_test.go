//go:build toolchains

package chaincode_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/runtime/docker"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// traces are what a chaincode in a container could leave behind.
type traces struct {
	Containers, Images, Volumes []string // of the engine
	Processes                   []string // chaincode, and those by which the engine keeps its containers
	Files                       []string // temporary ones
	Open                        int      // files of this process
}

// TestNoContainerIsLeftBehind starts and stops a chaincode of the counter sample fifty times on a real engine, which must have the images that
// `heddle images build` makes. Goroutines are looked for when all tests have ended.
func TestNoContainerIsLeftBehind(t *testing.T) {
	vm := config.VM{Endpoint: os.Getenv("DOCKER_HOST")}
	engine, err := docker.Connect(vm)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	require.NoError(t, docker.Ping(t.Context(), engine), "start an engine, as .ci/run does, or name one with DOCKER_HOST")
	discard := slog.New(slog.DiscardHandler)
	var r *docker.Runtime
	var address string
	p, _ := newLaunchingPeer(t, "", true, func(o *chaincode.Options) {
		r, err = docker.New(docker.Options{
			VM: vm, NetworkID: "leaktest", PeerID: "peer", Dir: t.TempDir(), Log: discard, BuildLog: discard,
			Images: platform.Images{
				Builder: config.ExpandImage("$(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)"),
				Golang:  config.ExpandImage("$(BASE_DOCKER_NS)/fabric-baseos:$(ARCH)-$(BASE_VERSION)"),
			},
		})
		require.NoError(t, err)
		o.Runtime, o.StartupTimeout, address = r, 5*time.Minute, o.PeerAddress
	})
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	gopath, err := filepath.Abs("../samples/_gopath")
	require.NoError(t, err)
	code, err := golang.Collect("example.com/counter", []string{"GOPATH=" + gopath, "GO111MODULE=off", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")})
	require.NoError(t, err)
	p.define(channel, "counter", "1.0", string(code))

	marks := map[string]bool{"-peer.address=" + address: true} // what chaincode and the engine's keepers of its containers have in their command lines
	containersOf := func() []string {
		list, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("name", "leaktest-")})
		require.NoError(t, err)
		var names []string
		for _, c := range list.Items {
			names = append(names, c.Names[0])
			marks[c.ID] = true
		}
		return names
	}
	look := func() *traces {
		images, err := engine.ImageList(t.Context(), client.ImageListOptions{All: true, Filters: client.Filters{}.Add("label", "io.heddle.chaincode.code")})
		require.NoError(t, err)
		volumes, err := engine.VolumeList(t.Context(), client.VolumeListOptions{})
		require.NoError(t, err)
		now := &traces{Containers: containersOf(), Processes: processes(t, marks)}
		for _, i := range images.Items {
			now.Images = append(now.Images, i.ID)
		}
		for _, v := range volumes.Items {
			now.Volumes = append(now.Volumes, v.Name)
		}
		slices.Sort(now.Images)
		slices.Sort(now.Volumes)
		now.Files, err = filepath.Glob(filepath.Join(os.TempDir(), "heddle-*"))
		require.NoError(t, err)
		require.NoError(t, errors.Join(engine.Close(), r.Close())) // the connections that idle; the next request makes another
		open, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		now.Open = len(open)
		return now
	}
	t.Cleanup(func() {
		list, err := engine.ImageList(context.WithoutCancel(t.Context()), client.ImageListOptions{Filters: client.Filters{}.Add("reference", "leaktest-*")})
		require.NoError(t, err)
		for _, i := range list.Items {
			_, err := engine.ImageRemove(context.WithoutCancel(t.Context()), i.ID, client.ImageRemoveOptions{})
			require.NoError(t, err)
		}
	})

	var before *traces
	for i := range 50 {
		answer, err := p.invoke(t.Context(), "counter", "get", "c")
		require.NoError(t, err)
		require.Equal(t, "0", string(answer.Payload))
		require.Equal(t, []string{"/leaktest-peer-counter-1.0"}, containersOf())
		if i == 0 {
			require.NotEmpty(t, processes(t, marks), "the engine is on this machine")
		}
		p.Upgraded([]*peerpb.ChaincodeData{{Name: "counter", Version: "2.0"}}) // stops it
		require.Eventually(t, func() bool { return len(containersOf()) == 0 }, 20*time.Second, 5*time.Millisecond)
		if i == 4 {
			require.Eventually(t, func() bool { return len(processes(t, marks)) == 0 }, 20*time.Second, 10*time.Millisecond)
			before = look()
		}
	}
	require.Empty(t, before.Containers)
	var after *traces
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if after = look(); after.Open <= before.Open && len(after.Processes) == 0 {
			break
		}
	}
	require.Equal(t, before, after)
}

// processes are those with one of the marks in their command lines.
func processes(t *testing.T, marks map[string]bool) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		line := strings.ReplaceAll(string(b), "\x00", " ")
		for mark := range marks {
			if strings.Contains(line, mark) {
				found = append(found, fmt.Sprint(filepath.Base(filepath.Dir(f)), " ", line))
			}
		}
	}
	return found
}
