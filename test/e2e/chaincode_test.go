//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestChaincodes runs every sample, and with asset every function of the chaincode interface.
func TestChaincodes(t *testing.T) {
	n := start(t, localnet.Options{})
	n.install("asset", "1.0", "asset")
	n.instantiate("asset", "1.0", both, "init", "a1", "anna", "1", "a2", "boris", "2")

	t.Run("reads and writes", func(t *testing.T) {
		n.invoke("asset", "put", "a3", "anna", "3")
		n.invoke("asset", "transfer", "a1", "boris")
		n.invoke("asset", "del", "a2")
		require.JSONEq(t, `{"id":"a1","owner":"boris","value":1}`, n.same("asset", "get", "a1"))
		require.JSONEq(t, `[{"id":"a1","owner":"boris","value":1},{"id":"a3","owner":"anna","value":3}]`, n.same("asset", "range", "", ""))
		require.JSONEq(t, `["a1"]`, n.same("asset", "owned", "boris"))
		require.Equal(t, "Org1MSP User1@org1.example.com", n.query(1, "asset", "whoami"))
		_, err := n.user.Query(t.Context(), n.peers[0], n.request("asset", "get", "a2"))
		require.ErrorContains(t, err, "asset a2 does not exist")
	})
	t.Run("history", func(t *testing.T) {
		var changes []struct {
			TxID    string
			Deleted bool
		}
		require.NoError(t, json.Unmarshal([]byte(n.same("asset", "history", "a2")), &changes))
		require.Len(t, changes, 2)
		require.False(t, changes[0].Deleted, "oldest first, as in 1.4")
		require.True(t, changes[1].Deleted)
	})
	t.Run("pages and long ranges", func(t *testing.T) {
		n.fill(120)
		var page struct {
			Assets   []json.RawMessage
			Count    int
			Bookmark string
		}
		require.NoError(t, json.Unmarshal([]byte(n.same("asset", "page", "p", "q", "50")), &page))
		require.Len(t, page.Assets, 50)
		require.Equal(t, numbered("p", 50), page.Bookmark)
		require.NoError(t, json.Unmarshal([]byte(n.same("asset", "page", "p", "q", "50", numbered("p", 100))), &page))
		require.Len(t, page.Assets, 20)
		var all []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(n.same("asset", "range", "p", "q")), &all))
		require.Len(t, all, 120)
	})
	t.Run("transient data", func(t *testing.T) {
		r := n.request("asset", "seal", "a1")
		r.Transient = map[string][]byte{"secret": []byte("swordfish")}
		_, err := n.user.Invoke(t.Context(), n.route(n.peers...), r)
		require.NoError(t, err)
		r = n.request("asset", "check", "a1")
		r.Transient = map[string][]byte{"secret": []byte("swordfish")}
		answer, err := n.user.Query(t.Context(), n.peers[1], r)
		require.NoError(t, err)
		require.Equal(t, "true", string(answer.Payload))
	})
	t.Run("key-level endorsement", func(t *testing.T) {
		n.invoke("asset", "require", "a3", "Org1MSP", "Org2MSP")
		require.JSONEq(t, `["Org1MSP","Org2MSP"]`, n.same("asset", "required", "a3"))
		require.Equal(t, peerpb.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, n.code(n.peers[:1], "asset", "put", "a3", "anna", "4"))
		n.invoke("asset", "put", "a3", "anna", "5")
	})
	t.Run("chaincode to chaincode, and a chaincode for 2.x", func(t *testing.T) {
		n.install("counter", "1.0", "counter")
		n.instantiate("counter", "1.0", both, "init")
		require.Equal(t, "3", n.invoke("counter", "add", "c", "3"))
		require.Equal(t, "5", n.invoke("asset", "call", "counter", "", "add", "c", "2"))
		require.Equal(t, "5", n.same("counter", "get", "c"))
	})
	t.Run("marbles", func(t *testing.T) {
		n.install("marbles", "1.0", "marbles")
		n.instantiate("marbles", "1.0", both, "init")
		n.invoke("marbles", "create", "m1", "blue", "35", "tom")
		n.invoke("marbles", "create", "m2", "blue", "20", "tom")
		n.invoke("marbles", "transferColor", "blue", "jerry")
		require.Contains(t, n.same("marbles", "read", "m1"), `"owner":"jerry"`)
		require.Contains(t, n.same("marbles", "read", "m2"), `"owner":"jerry"`)
	})
	t.Run("conflicting transactions", func(t *testing.T) { n.conflict() })
	t.Run("upgrade", func(t *testing.T) {
		n.install("asset", "2.0", "asset2")
		p := client.Deployment{ChannelID: n.Channel, Name: "asset", Version: "2.0", Type: peerpb.ChaincodeSpec_GOLANG, Init: client.Args("init")}
		_, err := n.admin.Upgrade(t.Context(), n.route(n.peers[0]), p)
		require.NoError(t, err)
		require.Equal(t, "2", n.same("asset", "version"))
		n.invoke("asset", "appraise", "a1", "99")
		_, err = n.admin.Upgrade(t.Context(), n.route(n.peers[0]), p)
		require.ErrorContains(t, err, "version already exists for chaincode with name 'asset'")
		require.Contains(t, n.peer(n.Admin(n.Orgs[1]), "chaincode", "list", "--instantiated", "-C", n.Channel).Stdout, "Name: asset, Version: 2.0")
	})
	t.Run("deploying twice", func(t *testing.T) {
		require.Contains(t, n.peerFails(n.Admin(n.Orgs[0]), append([]string{
			"chaincode", "instantiate", "-C", n.Channel, "-n", "asset", "-v", "2.0", "-c", `{"Args":["init"]}`,
		}, n.OrdererFlags()...)...), "chaincode with name 'asset' already exists")
	})
}

// code runs a transaction with the given endorsers and returns the code both peers gave it.
func (n *network) code(endorsers []*client.Peer, name string, args ...string) peerpb.TxValidationCode {
	n.t.Helper()
	r, err := n.user.Invoke(n.t.Context(), n.route(endorsers...), n.request(name, args...))
	var commit *client.CommitError
	if err != nil && !errors.As(err, &commit) {
		require.NoError(n.t, err)
	}
	require.Len(n.t, r.Commits, 2)
	require.Equal(n.t, r.Commits[0].Code, r.Commits[1].Code)
	return r.Commits[0].Code
}

// fill puts assets p0000 and up, many at a time.
func (n *network) fill(count int) {
	n.t.Helper()
	var g errgroup.Group
	g.SetLimit(20)
	for i := range count {
		g.Go(func() error {
			_, err := n.user.Invoke(n.t.Context(), n.route(n.peers...), n.request("asset", "put", numbered("p", i), "carl", "7"))
			return err
		})
	}
	require.NoError(n.t, g.Wait())
}

// conflict has two transactions read and write the same key at the same height: the second in order must fail.
func (n *network) conflict() {
	n.t.Helper()
	codes := map[peerpb.TxValidationCode]int{}
	results := make(chan *client.Result, 8)
	for i := range 8 {
		go func() {
			r, _ := n.user.Invoke(n.t.Context(), n.route(n.peers...), n.request("counter", "add", "hot", numbered("", i)))
			results <- r
		}()
	}
	for range 8 {
		if r := <-results; r != nil && len(r.Commits) == 2 {
			require.Equal(n.t, r.Commits[0].Code, r.Commits[1].Code)
			codes[r.Commits[0].Code]++
		}
	}
	require.NotZero(n.t, codes[peerpb.TxValidationCode_VALID])
	require.NotZero(n.t, codes[peerpb.TxValidationCode_MVCC_READ_CONFLICT], "got %v", codes)
}

// TestMismatch installs different source under one name and version on the two peers, as in the article the project began from.
func TestMismatch(t *testing.T) {
	n := start(t, localnet.Options{})
	n.peer(n.Admin(n.Orgs[0]), "chaincode", "install", "-n", "cc", "-v", "1.0", "-p", "example.com/asset")
	n.peer(n.Admin(n.Orgs[1]), "chaincode", "install", "-n", "cc", "-v", "1.0", "-p", "example.com/counter")
	n.instantiate("cc", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")

	_, err := n.user.Query(t.Context(), n.peers[1], n.request("cc", "get", "x"))
	require.ErrorContains(t, err, "could not get chaincode code: chaincode fingerprint mismatch: data mismatch")
	require.ErrorContains(t, err, "code hash")
	require.ErrorContains(t, err, "example.com/counter")
	// The file copied from the peer that has the right one is installed as it is, without a restart.
	from := filepath.Join(n.Dir, "nodes", n.Orgs[0].Peer.Name, "data", "chaincodes", "cc.1.0")
	to := filepath.Join(n.Dir, "nodes", n.Orgs[1].Peer.Name, "data", "chaincodes", "cc.1.0")
	raw, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, raw, 0o644))
	require.Equal(t, "[]", n.query(1, "cc", "range", "", ""))

	// And with one: there it is the file of another version that this peer never installed.
	n.peer(n.Admin(n.Orgs[0]), "chaincode", "install", "-n", "cc", "-v", "2.0", "-p", "example.com/asset2")
	_, err = n.admin.Upgrade(t.Context(), n.route(n.peers[0]), client.Deployment{
		ChannelID: n.Channel, Name: "cc", Version: "2.0", Type: peerpb.ChaincodeSpec_GOLANG, Init: client.Args("init"),
	})
	require.NoError(t, err)
	raw, err = os.ReadFile(strings.TrimSuffix(from, "1.0") + "2.0")
	require.NoError(t, err)
	two := n.Orgs[1].Peer
	require.NoError(t, n.StopNode(two))
	require.NoError(t, os.WriteFile(strings.TrimSuffix(to, "1.0")+"2.0", raw, 0o644))
	require.NoError(t, n.StartNode(t.Context(), two))
	n.connect()
	require.Equal(t, "2", n.query(1, "cc", "version"))
}

// TestInstantiationPolicy has a chaincode whose owner lets only Org1's administrators instantiate and upgrade it; an administrator of Org2 may
// neither, and it is no help to have an upgrade that is not signed.
func TestInstantiationPolicy(t *testing.T) {
	n := start(t, localnet.Options{})
	one, two := n.Admin(n.Orgs[0]), n.Admin(n.Orgs[1])
	n.peer(one, "chaincode", "package", "-n", "cc", "-v", "1.0", "-p", "example.com/counter", "-s", "-S", "-i", "AND('Org1MSP.admin')", "one.pkg")
	n.peer(two, "chaincode", "signpackage", "one.pkg", "both.pkg")
	n.peer(two, "chaincode", "package", "-n", "cc", "-v", "2.0", "-p", "example.com/counter", "two.pkg")
	for _, admin := range []localnet.Identity{one, two} {
		n.peer(admin, "chaincode", "install", "both.pkg")
		n.peer(admin, "chaincode", "install", "two.pkg")
	}
	deploy := func(verb, version string) []string {
		return append([]string{
			"chaincode", verb, "-C", n.Channel, "-n", "cc", "-v", version, "-c", `{"Args":["init"]}`, "-P", "OR('Org1MSP.peer','Org2MSP.peer')",
		}, n.OrdererFlags()...)
	}
	defined := func(version string) {
		t.Helper()
		require.Eventually(t, func() bool {
			return strings.Contains(n.peer(two, "chaincode", "list", "--instantiated", "-C", n.Channel).Stdout, "Name: cc, Version: "+version)
		}, 20*time.Second, 50*time.Millisecond)
	}
	const violation = "instantiation policy violation: signature set did not satisfy policy"
	require.Contains(t, n.peerFails(two, deploy("instantiate", "1.0")...), violation)
	n.peer(one, deploy("instantiate", "1.0")...)
	defined("1.0")
	require.Contains(t, n.peerFails(two, deploy("upgrade", "2.0")...), violation)
	n.peer(one, deploy("upgrade", "2.0")...)
	defined("2.0")
	require.Equal(t, "1", n.invoke("cc", "add", "c", "1"))
}

// TestChaincodeDies kills chaincode under the peer and expects its last words, and a fresh start at the next call.
func TestChaincodeDies(t *testing.T) {
	n := start(t, localnet.Options{})
	writeChaincode(t, n, "fragile", `
	case "levels":
		return shim.Success([]byte(os.Getenv("CORE_CHAINCODE_LOGGING_LEVEL") + " " + os.Getenv("CORE_CHAINCODE_LOGGING_SHIM")))
	case "panic":
		panic("the shuttle broke")
	case "exit":
		println("gone fishing")
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Hour)`)
	n.install("fragile", "1.0", "fragile")
	n.instantiate("fragile", "1.0", both, "init")
	require.Equal(t, "info warning", n.query(0, "fragile", "levels"), "chaincode.logging of core.yaml")

	_, err := n.user.Query(t.Context(), n.peers[0], n.request("fragile", "panic"))
	require.ErrorContains(t, err, "the shuttle broke")
	require.Equal(t, "fine", n.query(0, "fragile", "ok"))
	_, err = n.user.Query(t.Context(), n.peers[0], n.request("fragile", "exit"))
	require.ErrorContains(t, err, "gone fishing")
	require.ErrorContains(t, err, "7")
	require.Equal(t, "fine", n.query(0, "fragile", "ok"))

	began := time.Now()
	_, err = n.user.Query(t.Context(), n.peers[0], n.request("fragile", "sleep"))
	require.ErrorContains(t, err, "timeout expired while executing transaction")
	require.Less(t, time.Since(began), time.Minute)
	require.Equal(t, "fine", n.query(0, "fragile", "ok"))
}

// TestBrokenSource expects the compiler's words.
func TestBrokenSource(t *testing.T) {
	n := start(t, localnet.Options{})
	writeChaincode(t, n, "broken", `
	case "x":
		return undefinedFunction()`)
	n.install("broken", "1.0", "broken")
	_, err := n.admin.Instantiate(t.Context(), n.route(n.peers[0]), client.Deployment{
		ChannelID: n.Channel, Name: "broken", Version: "1.0", Type: peerpb.ChaincodeSpec_GOLANG, Init: client.Args("init"),
	})
	require.ErrorContains(t, err, "undefined: undefinedFunction")
}

// writeChaincode puts a chaincode with the given cases of its Invoke below the network's GOPATH.
func writeChaincode(t *testing.T, n *network, name, cases string) {
	t.Helper()
	dir := filepath.Join(n.gopath, "src", "example.com", name)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	source := `package main

import (
	"os"
	"time"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	pb "github.com/hyperledger/fabric/protos/peer"
)

var _, _ = os.Args, time.Now

type cc struct{}

func (cc) Init(shim.ChaincodeStubInterface) pb.Response { return shim.Success(nil) }

func (cc) Invoke(stub shim.ChaincodeStubInterface) pb.Response {
	switch f, _ := stub.GetFunctionAndParameters(); f {` + cases + `
	}
	return shim.Success([]byte("fine"))
}

func main() { shim.Start(cc{}) }
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644))
}
