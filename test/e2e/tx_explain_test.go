//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// TestTxExplain makes transactions fail for real, on two peers, and asks why: `peer tx explain`, --waitForEvent and the peer's log.
func TestTxExplain(t *testing.T) {
	n := start(t, localnet.Options{})
	require.NoError(t, os.CopyFS(filepath.Join(n.gopath, "src"), os.DirFS(vectors.Path("fabric-1.4", "packages", "src", "go"))))
	for _, name := range []string{"kv", "both"} {
		n.install(name, "1.0", "kv")
	}
	n.instantiate("kv", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")
	n.instantiate("both", "1.0", both, "init")
	for _, key := range []string{"r1", "r2", "owned"} {
		n.invoke("kv", "put", key, "1")
	}

	mvcc := n.race([]string{"incr", "cnt"}, []string{"incr", "cnt"})
	out := n.explained(mvcc.loser, "MVCC_READ_CONFLICT",
		`key "cnt" of chaincode kv was read when it did not exist, but transaction `+mvcc.winner+` (block `)
	require.Contains(t, out, `"incr" "cnt"`)
	require.Regexp(t, `read +"cnt" +no such key`, out)
	require.Regexp(t, `written +"cnt" +"1"`, out)
	require.Regexp(t, `good: Org1MSP peer +CN=peer0.org1.example.com`, out)

	phantom := n.race([]string{"put", "r15", "new"}, []string{"rangeput", "r0", "r9", "size"})
	out = n.explained(phantom.loser, "PHANTOM_READ_CONFLICT",
		`the range query from "r0" to "r9" in chaincode kv did not give key "r15", but transaction `+phantom.winner+` (block `)
	require.Regexp(t, `range query +"r0" to "r9": 2 results`, out)

	alone := n.commit(n.endorsed("both", n.peers[:1], "put", "a", "1"))
	out = n.explained(alone, "ENDORSEMENT_POLICY_FAILURE", "validation of endorsement policy for chaincode both failed")
	require.Regexp(t, `✗ all 2 of *\n +✓ Org1MSP.peer +signed by peer0.org1.example.com \(Org1MSP peer\)\n +✗ Org2MSP.peer +missing`, out)

	owner, err := policy.Parse("OR('Org2MSP.peer')")
	require.NoError(t, err)
	n.invoke("kv", "sbe", "owned", string(wire.MustMarshal(owner)))
	foreign := n.commit(n.endorsed("kv", n.peers[:1], "put", "owned", "2"))
	out = n.explained(foreign, "ENDORSEMENT_POLICY_FAILURE", `validation of key "owned" (coll'':ns'kv') failed`)
	require.Regexp(t, `✗ Org2MSP\.\w+ +missing`, out)

	twice := n.endorsed("kv", n.peers[:1], "put", "twice", "1")
	n.commit(twice)
	require.NoError(t, n.orderer.Broadcast(t.Context(), twice))
	n.invoke("kv", "put", "after", "1")
	info, err := n.user.ChainInfo(t.Context(), n.peers[0], n.Channel)
	require.NoError(t, err)
	out = n.explained(id(t, twice), "DUPLICATE_TXID", "an earlier block holds a transaction of this id", "--block", strconv.FormatUint(info.Height-2, 10))
	n.explained(id(t, twice), "VALID", "its signatures satisfy the endorsement policies")

	config := n.peer(n.Admin(n.Orgs[0]), "tx", "explain", "-C", n.Channel, "--block", "0")
	require.Regexp(t, `type +CONFIG\n`, config.Stdout)
	require.Contains(t, config.Stdout, "[Group]  /Channel/Application")

	raw := n.peer(n.User(n.Orgs[1]), "tx", "explain", "-C", n.Channel, mvcc.loser, "--json")
	told := struct {
		Code     string
		Conflict struct{ Winner struct{ TxID string } }
	}{}
	require.NoError(t, json.Unmarshal([]byte(raw.Stdout), &told))
	require.Equal(t, "MVCC_READ_CONFLICT", told.Code)
	require.Equal(t, mvcc.winner, told.Conflict.Winner.TxID)

	require.Contains(t, n.peerFails(n.User(n.Orgs[0]), "tx", "explain", "-C", n.Channel, "nothing"), "Failed to get block for txID nothing")
	require.Contains(t, n.peerFails(n.User(n.Orgs[0]), "tx", "explain", "-C", "other", mvcc.loser), "cannot be asked: rpc error: code = Unknown desc = access denied: channel [other]")
	require.Contains(t, n.peerFails(n.User(n.Orgs[0]), "tx", "explain", "-C", n.Channel, "--block", "1000"), "can't read the block: &{NOT_FOUND}")
	require.Contains(t, n.peerFails(n.User(n.Orgs[0]), "tx", "explain", "-C", n.Channel), "which transaction?")

	args := append([]string{"chaincode", "invoke", "-C", n.Channel, "-n", "both", "-c", `{"Args":["put","a","1"]}`, "--waitForEvent"}, n.OrdererFlags()...)
	invoked := n.peer(n.User(n.Orgs[0]), args...)
	require.Contains(t, invoked.Stderr, "committed with status (ENDORSEMENT_POLICY_FAILURE) at "+n.Orgs[0].Peer.Address()+": ")
	require.Contains(t, invoked.Stderr, "all 2 of: Org1MSP.peer (signed by peer0.org1.example.com (Org1MSP peer)), Org2MSP.peer (missing)")

	for _, org := range n.Orgs {
		log, err := os.ReadFile(n.LogFile(org.Peer))
		require.NoError(t, err)
		for _, text := range []string{"but transaction " + mvcc.winner, "but transaction " + phantom.winner, "Org2MSP.peer (missing)"} {
			require.Contains(t, string(log), text)
		}
	}
}

// dice is chaincode that gives another result on every peer.
const dice = `package main

import (
	"fmt"
	"os"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	pb "github.com/hyperledger/fabric/protos/peer"
)

type dice struct{}

func (dice) Init(shim.ChaincodeStubInterface) pb.Response { return shim.Success(nil) }

func (dice) Invoke(s shim.ChaincodeStubInterface) pb.Response {
	if err := s.PutState("pid", []byte(fmt.Sprint(os.Getpid()))); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(nil)
}

func main() { _ = shim.Start(dice{}) }
`

// TestPeersThatDiffer: two endorsers with different results are compared key by key.
func TestPeersThatDiffer(t *testing.T) {
	n := start(t, localnet.Options{})
	dir := filepath.Join(n.gopath, "src", "example.com", "dice")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(dice), 0o644))
	n.install("dice", "1.0", "dice")
	n.instantiate("dice", "1.0", both)
	args := append([]string{"chaincode", "invoke", "-C", n.Channel, "-n", "dice", "-c", `{"Args":["roll"]}`}, n.OrdererFlags()...)
	for _, org := range n.Orgs {
		args = append(args, "--peerAddresses", org.Peer.Address(), "--tlsRootCertFiles", n.PeerCA(org))
	}
	text := n.peerFails(n.User(n.Orgs[0]), args...)
	t.Log(text)
	require.Contains(t, text, "could not assemble transaction: ProposalResponsePayloads do not match: ")
	require.Regexp(t, `chaincode dice, key "pid", written:\n +"\d+" at `+n.Orgs[0].Peer.Address()+`\n +"\d+" at `+n.Orgs[1].Peer.Address(), text)
}

// raced are the ids of two transactions that were endorsed on the same state.
type raced struct{ winner, loser string }

func (n *network) race(first, second []string) raced {
	n.t.Helper()
	a, b := n.endorsed("kv", n.peers[:1], first...), n.endorsed("kv", n.peers[:1], second...)
	return raced{n.commit(a), n.commit(b)}
}

// endorsed is a transaction that the given peers have endorsed, ready to be ordered.
func (n *network) endorsed(chaincode string, peers []*client.Peer, args ...string) *commonpb.Envelope {
	n.t.Helper()
	p, err := n.user.NewProposal(n.request(chaincode, args...))
	require.NoError(n.t, err)
	responses, err := n.user.Endorse(n.t.Context(), p, peers...)
	require.NoError(n.t, err)
	e, err := tx.Assemble(n.user.Signer, p, responses)
	require.NoError(n.t, err)
	return e
}

// commit has a transaction ordered and waits until both peers have committed it, whatever its code; it returns the id.
func (n *network) commit(e *commonpb.Envelope) string {
	n.t.Helper()
	txID := id(n.t, e)
	w, err := n.user.Watch(n.t.Context(), n.Channel, txID, n.peers...)
	require.NoError(n.t, err)
	defer w.Close()
	require.NoError(n.t, n.orderer.Broadcast(n.t.Context(), e))
	commits, err := w.Wait(n.t.Context())
	require.NoError(n.t, err)
	require.Equal(n.t, commits[0].Code, commits[1].Code)
	return txID
}

func id(t *testing.T, e *commonpb.Envelope) string {
	t.Helper()
	p, err := tx.FromEnvelope(e)
	require.NoError(t, err)
	return p.TxID()
}

// explained runs `peer tx explain` as a plain user, checks code and reason, and returns what it printed.
func (n *network) explained(txID, code, reason string, flags ...string) string {
	n.t.Helper()
	out := n.peer(n.User(n.Orgs[0]), append([]string{"tx", "explain", "-C", n.Channel, txID}, flags...)...).Stdout
	n.t.Log(out)
	require.Contains(n.t, out, txID)
	require.Regexp(n.t, `code +`+code+`\n`, out)
	require.Contains(n.t, out, reason)
	require.NotContains(n.t, out, "not certain")
	require.Contains(n.t, peerpb.TxValidationCode_value, code)
	return out
}
