//go:build e2e && toolchains

package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLanguagesInContainers is the life of chaincode of the other languages on a Docker engine, builds that fail, and a module that only a
// proxy can reach.
func TestLanguagesInContainers(t *testing.T) {
	proxy, asked := newProxy(t)
	t.Setenv("HTTP_PROXY", proxy) // registries speak HTTPS
	n, e := startInContainers(t)
	in := func(t *testing.T) *network {
		sub := *n
		sub.t = t
		return &sub
	}
	t.Run("CAR", func(t *testing.T) { in(t).car() })
	t.Run("Java", func(t *testing.T) {
		in(t).java()
		in(t).failsToBuild("java", "java/kv", "src/main/java/example/KV.java", `VERSION = "1"`, "VERSION = nothing", "cannot find symbol")
	})
	t.Run("Node", func(t *testing.T) {
		in(t).node()
		const module = "http://modules.example.com/counted.tgz"
		in(t).failsToBuild("node", "node/kv", "package.json", `"2.5.8"`, `"`+module+`"`, "404")
		require.Contains(t, asked(), module)
	})
	running := containers(t, e)
	for _, chaincode := range []string{"bank-1.0", "other-2.0", "kvjava-2.0", "kvnode-2.0", "note-1.0"} {
		require.Contains(t, running, "local-peer0.org1.example.com-"+chaincode)
		require.Contains(t, running, "local-peer0.org2.example.com-"+chaincode)
	}
	require.Len(t, running, 10)
}

// failsToBuild instantiates a sample that has been spoilt, and expects the end of the build's output in the answer.
func (n *network) failsToBuild(lang, sample, file, old, spoilt, want string) {
	n.t.Helper()
	name := "broken" + lang
	n.foreign(name, "1.0", lang, sample, file, old, spoilt)
	said := n.peerFails(n.Admin(n.Orgs[0]), append([]string{
		"chaincode", "instantiate", "-C", n.Channel, "-n", name, "-v", "1.0", "-l", lang, "-c", `{"Args":["init"]}`,
	}, n.OrdererFlags()...)...)
	require.Contains(n.t, said, "Error returned from build: 1")
	require.Contains(n.t, said, want)
}

// newProxy starts an HTTP proxy that finds nothing and remembers what it was asked for. It ends with the test.
func newProxy(t *testing.T) (url string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var urls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		urls = append(urls, r.URL.String())
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return urls
	}
}
