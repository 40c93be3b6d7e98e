//go:build e2e && toolchains

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/runtime/docker"
	heddle "github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// engine connects to a Docker engine, that of DOCKER_HOST or that in the usual place. The images for chaincode are made if the engine has them not.
// Without an engine the test fails: it is what is tested with.
func engine(t *testing.T) (e *client.Client, endpoint string) {
	t.Helper()
	endpoint = os.Getenv("DOCKER_HOST")
	if endpoint == "" {
		endpoint = config.DefaultEndpoint
	}
	e, err := docker.Connect(config.VM{Endpoint: endpoint})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	require.NoError(t, docker.Ping(t.Context(), e), "no Docker engine answers at %s: start one, as .ci/run does, or name one with DOCKER_HOST", endpoint)
	for language, image := range map[string]string{"go": "fabric-ccenv:1.4", "node": "fabric-baseimage:amd64-0.4.22", "java": "fabric-javaenv:1.4"} {
		if _, err := e.ImageInspect(t.Context(), "hyperledger/"+image); err != nil {
			out, err := exec.CommandContext(t.Context(), kit.Binary(t), "images", "build", "--language", language, "--endpoint", endpoint).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
	}
	return e, endpoint
}

// startInContainers is start on a Docker engine, which must not have containers of peers before and after the test. Images of chaincode are removed:
// each test builds its own.
func startInContainers(t *testing.T) (*network, *client.Client) {
	t.Helper()
	e, endpoint := engine(t)
	require.Empty(t, containers(t, e), "containers of an earlier test are in the way")
	removeImages(t, e)
	t.Cleanup(func() { // after the network has stopped
		require.Empty(t, containers(t, e), "containers are left")
		removeImages(t, e)
	})
	return start(t, localnet.Options{DockerEndpoint: endpoint}), e
}

// containers are the names of the network's chaincode containers and the ids of their images.
func containers(t *testing.T, e *client.Client) map[string]string {
	t.Helper()
	list, err := e.ContainerList(context.WithoutCancel(t.Context()), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "io.heddle.peer")})
	require.NoError(t, err)
	found := map[string]string{}
	for _, c := range list.Items {
		found[c.Names[0][1:]] = c.ImageID
	}
	return found
}

// removeImages removes the images of the local network's chaincode.
func removeImages(t *testing.T, e *client.Client) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	list, err := e.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("label", "io.heddle.chaincode.code").Add("reference", "local-peer*")})
	require.NoError(t, err)
	for _, i := range list.Items {
		_, err := e.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{PruneChildren: true, Force: true})
		require.NoError(t, err)
	}
}

// TestChaincodeInContainers is the life of a chaincode on a Docker engine: built offline, run, upgraded, outliving its peer, tidied up.
func TestChaincodeInContainers(t *testing.T) {
	n, e := startInContainers(t)
	peer0, peer1 := "local-peer0.org1.example.com-", "local-peer0.org2.example.com-"

	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	require.Equal(t, "3", n.invoke("counter", "add", "c", "3"))
	require.Equal(t, "5", n.invoke("counter", "add", "c", "2"))
	require.Equal(t, "5", n.same("counter", "get", "c"))
	running := containers(t, e)
	require.Len(t, running, 2)
	require.Contains(t, running, peer0+"counter-1.0")
	require.Contains(t, running, peer1+"counter-1.0")

	t.Run("one chaincode calls another", func(t *testing.T) {
		n.install("asset", "1.0", "asset")
		n.instantiate("asset", "1.0", both, "init", "a1", "anna", "1")
		require.Equal(t, "7", n.invoke("asset", "call", "counter", "", "add", "c", "2"))
		require.Equal(t, "Org1MSP User1@org1.example.com", n.query(1, "asset", "whoami"))
	})
	t.Run("upgrade ends the old version's container", func(t *testing.T) {
		n.install("asset", "2.0", "asset2")
		_, err := n.admin.Upgrade(t.Context(), n.route(n.peers[0]), heddle.Deployment{
			ChannelID: n.Channel, Name: "asset", Version: "2.0", Type: peerpb.ChaincodeSpec_GOLANG, Init: heddle.Args("init"),
		})
		require.NoError(t, err)
		require.Equal(t, "2", n.same("asset", "version"))
		require.Contains(t, containers(t, e), peer0+"asset-2.0")
		require.Eventually(t, func() bool {
			all := containers(t, e)
			return all[peer0+"asset-1.0"] == "" && all[peer1+"asset-1.0"] == ""
		}, 20*time.Second, 100*time.Millisecond, "nobody needs them any more")
	})
	t.Run("a peer that was killed", func(t *testing.T) {
		org := n.Orgs[0]
		n.KillNode(org.Peer)
		require.Contains(t, containers(t, e), peer0+"counter-1.0", "it outlives its peer")
		require.NoError(t, n.StartNode(t.Context(), org.Peer))
		require.Eventually(t, func() bool {
			_, left := containers(t, e)[peer0+"counter-1.0"]
			return !left
		}, 30*time.Second, 100*time.Millisecond, "its next life removes it")
		n.connect()
		require.Equal(t, "7", n.query(0, "counter", "get", "c"))
		require.Equal(t, running[peer0+"counter-1.0"], containers(t, e)[peer0+"counter-1.0"], "the image is not made again")
	})
	t.Run("a peer that was killed while it built", func(t *testing.T) {
		org := n.Orgs[0]
		n.install("late", "1.0", "asset")
		before := len(containers(t, e))
		failed := make(chan error, 1)
		go func() {
			_, err := n.admin.Instantiate(t.Context(), n.route(n.peers[0]), n.deployment("late", "1.0", peerpb.ChaincodeSpec_GOLANG))
			failed <- err
		}()
		require.Eventually(t, func() bool { return len(containers(t, e)) > before }, 30*time.Second, 10*time.Millisecond, "the builder runs")
		n.KillNode(org.Peer)
		require.Error(t, <-failed)
		require.NoError(t, n.StartNode(t.Context(), org.Peer))
		require.Eventually(t, func() bool {
			for name := range containers(t, e) {
				if !strings.HasPrefix(name, peer1) {
					return false
				}
			}
			return true
		}, 30*time.Second, 100*time.Millisecond, "its next life removes the builder")
		n.connect()
		require.Equal(t, "7", n.query(0, "counter", "get", "c"))
	})
	t.Run("a container that dies is started again", func(t *testing.T) {
		_, err := e.ContainerKill(t.Context(), peer0+"counter-1.0", client.ContainerKillOptions{})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			r, err := n.user.Query(t.Context(), n.peers[0], n.request("counter", "get", "c"))
			return err == nil && string(r.Payload) == "7"
		}, 30*time.Second, 200*time.Millisecond)
	})
	t.Run("a build that fails", func(t *testing.T) {
		broken := filepath.Join(n.gopath, "src", "example.com", "broken")
		require.NoError(t, os.MkdirAll(broken, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(broken, "main.go"), []byte("package main\n\nfunc main() { undefined() }\n"), 0o644))
		n.install("broken", "1.0", "broken")
		said := n.peerFails(n.Admin(n.Orgs[0]), append([]string{
			"chaincode", "instantiate", "-C", n.Channel, "-n", "broken", "-v", "1.0", "-c", `{"Args":["init"]}`,
		}, n.OrdererFlags()...)...)
		require.Contains(t, said, "Error returned from build: 1")
		require.Contains(t, said, "src/example.com/broken/main.go:3:15: undefined: undefined")
	})
}
