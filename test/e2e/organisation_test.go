//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

const org3Config = `
Organizations:
  - Name: Org3MSP
    ID: Org3MSP
    MSPDir: ../crypto/peerOrganizations/org3.example.com/msp
    Policies:
      Readers: {Type: Signature, Rule: "OR('Org3MSP.admin', 'Org3MSP.peer', 'Org3MSP.client')"}
      Writers: {Type: Signature, Rule: "OR('Org3MSP.admin', 'Org3MSP.client')"}
      Admins: {Type: Signature, Rule: "OR('Org3MSP.admin')"}
`

// TestOrganisationComesAndGoes lets a third organisation with a peer into a running channel, shuts it out, and lets it in again.
func TestOrganisationComesAndGoes(t *testing.T) {
	l := &life{network: start(t, localnet.Options{}), whole: t}
	l.org1, l.org2 = l.as(l.Admin(l.Orgs[0])), l.as(l.Admin(l.Orgs[1]))
	l.install("counter", "1.0", "counter")
	l.instantiate("counter", "1.0", "OR('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')", "init")

	org, definition := l.newOrg(t)
	admin := l.as(l.Admin(org))
	user := client.New(l.signer(l.User(org)))
	log := l.startPeer(t, org)
	peer, err := client.ConnectPeer(t.Context(), org.Peer.Address(), l.tls(l.PeerCA(org)))
	require.NoError(t, err)
	defer peer.Close()

	// Nobody yet.
	genesis := filepath.Join(t.TempDir(), "genesis.block")
	fetch := append([]string{"channel", "fetch", "oldest", genesis, "-c", l.Channel}, l.OrdererFlags()...)
	_, err = l.run(admin, fetch...)
	require.ErrorContains(t, err, "can't read the block: &{FORBIDDEN}")
	read := l.request("counter", "get", "x")
	const stranger = "access denied: channel [mychannel] creator org [Org3MSP]"
	_, err = user.Query(t.Context(), l.peers[0], read)
	require.ErrorContains(t, err, stranger)

	join := func(c tree) { at(t, group(t, c, "Application"), "groups")["Org3MSP"] = definition }
	l.update(l.Channel, join, l.org1, l.org2)
	_, err = l.run(admin, fetch...)
	require.NoError(t, err)
	_, err = l.run(admin, "channel", "join", "-b", genesis)
	require.NoError(t, err)
	_, err = l.run(admin, "chaincode", "install", "-n", "counter", "-v", "1.0", "-p", "example.com/counter")
	require.NoError(t, err)
	caughtUp := func() {
		newest, err := l.admin.Block(t.Context(), l.orderer, l.Channel, client.Newest())
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			info, err := client.New(l.signer(l.Admin(org))).ChainInfo(t.Context(), peer, l.Channel)
			return err == nil && info.Height > newest.Header.Number
		}, 40*time.Second, 100*time.Millisecond, "Org3's peer has all blocks")
	}
	caughtUp()
	_, err = user.Invoke(t.Context(), client.Route{Endorsers: []*client.Peer{peer}, Orderer: l.orderer, Wait: append(l.peers, peer)}, l.request("counter", "add", "x", "3"))
	require.NoError(t, err)

	// Out. What Org3 has endorsed and signed is worth nothing any more, and its peer gets no further block, not even the one that says so.
	late, byOrg3 := l.endorsed(t, user), l.endorsed(t, l.user, peer)
	height := func() uint64 {
		info, err := client.New(l.signer(l.Admin(org))).ChainInfo(t.Context(), peer, l.Channel)
		require.NoError(t, err)
		return info.Height
	}
	before := height()
	l.update(l.Channel, func(c tree) { delete(at(t, group(t, c, "Application"), "groups"), "Org3MSP") }, l.org1, l.org2)
	_, err = user.Query(t.Context(), l.peers[0], read)
	require.ErrorContains(t, err, stranger)
	require.ErrorContains(t, l.orderer.Broadcast(t.Context(), late), "got unexpected status: FORBIDDEN -- implicit policy evaluation failed - 0 sub-policies were satisfied, "+
		"but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied")
	_, err = l.run(admin, fetch...)
	require.ErrorContains(t, err, "can't read the block: &{FORBIDDEN}")
	require.NoError(t, l.orderer.Broadcast(t.Context(), byOrg3))
	require.Equal(t, peerpb.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, l.codeOf(t, byOrg3))
	_, err = user.Query(t.Context(), peer, read)
	require.NoError(t, err, "its own peer knows no better")
	require.Eventually(t, func() bool { return strings.Contains(log(), "FORBIDDEN") }, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, before, height())

	// In again: its peer goes on where it stopped.
	l.update(l.Channel, join, l.org1, l.org2)
	caughtUp()
	r, err := user.Query(t.Context(), peer, read)
	require.NoError(t, err)
	require.Equal(t, "3", string(r.Payload))
}

// codeOf is what the first peer makes of a transaction that has been ordered.
func (l *life) codeOf(t *testing.T, envelope *commonpb.Envelope) peerpb.TxValidationCode {
	t.Helper()
	e, err := tx.FromEnvelope(envelope)
	require.NoError(t, err)
	var committed *peerpb.ProcessedTransaction
	require.Eventually(t, func() bool {
		committed, err = l.user.Transaction(t.Context(), l.peers[0], l.Channel, e.TxID())
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	return peerpb.TxValidationCode(committed.ValidationCode)
}

// newOrg makes keys for a third organisation, and its part of a channel's configuration.
func (l *life) newOrg(t *testing.T) (localnet.Org, tree) {
	t.Helper()
	conf, err := cryptogen.Parse([]byte(`
PeerOrgs:
  - Name: Org3
    Domain: org3.example.com
    EnableNodeOUs: true
    Template: {Count: 1, SANS: [127.0.0.1]}
    Users: {Count: 1}
`))
	require.NoError(t, err)
	keys := t.TempDir()
	require.NoError(t, cryptogen.Generate(conf, keys, io.Discard))
	require.NoError(t, os.CopyFS(filepath.Join(l.Dir, "crypto/peerOrganizations/org3.example.com"), os.DirFS(filepath.Join(keys, "peerOrganizations/org3.example.com"))))

	dir := filepath.Join(l.Dir, "org3")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "configtx.yaml"), []byte(org3Config), 0o644))
	cmd := exec.CommandContext(t.Context(), kit.Binary(t), "configtxgen", "-configPath", dir, "-printOrg", "Org3MSP")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var definition tree
	require.NoError(t, json.Unmarshal(out, &definition))
	return localnet.Org{Name: "Org3", MSPID: "Org3MSP", Domain: "org3.example.com", Peer: localnet.Node{
		Name: "peer0.org3.example.com", Port: freePort(t), ChaincodePort: freePort(t), OperationsPort: freePort(t),
	}}, definition
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// startPeer starts the peer of an organisation that is not of the network's plan, configured as Org2's is. It returns a function that reads its
// log.
func (l *life) startPeer(t *testing.T, org localnet.Org) func() string {
	t.Helper()
	model, dir := l.Orgs[1], filepath.Join(l.Dir, "nodes", org.Peer.Name)
	raw, err := os.ReadFile(coreYAML(l.Network, model))
	require.NoError(t, err)
	port := strconv.Itoa
	text := strings.NewReplacer(model.Domain, org.Domain, model.MSPID, org.MSPID, port(model.Peer.Port), port(org.Peer.Port),
		port(model.Peer.ChaincodePort), port(org.Peer.ChaincodePort), port(model.Peer.OperationsPort), port(org.Peer.OperationsPort)).Replace(string(raw))
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "core.yaml"), []byte(text), 0o644))
	file := filepath.Join(dir, "log")
	out, err := os.Create(file)
	require.NoError(t, err)
	defer out.Close()
	cmd := exec.Command(kit.Binary(t), "peer", "node", "start")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "FABRIC_CFG_PATH="+dir)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	read := func() string {
		b, _ := os.ReadFile(file)
		return string(b)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("--- %s\n%s", org.Peer.Name, read())
		}
	})
	require.Eventually(t, func() bool { return strings.Contains(read(), "Started peer with ID=") }, 20*time.Second, 20*time.Millisecond)
	return read
}
