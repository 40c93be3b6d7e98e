//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// resource is something that access rules guard, and a request that uses it at Org1's peer.
type resource struct {
	name    string
	ask     func(context.Context, *client.Client) error
	allowed []string // by default
}

// denied are the answers that mean: you may not.
var denied = regexp.MustCompile(`access denied|check policy|FORBIDDEN|invalid creator`)

// nobody signs, and says nothing about who it is.
type nobody struct{ *msp.Signer }

func (nobody) Creator() []byte { return nil }

// TestACLs uses every resource of Fabric 1.4.12's that this peer has, as people of all kinds: under the default rules, then with each channel
// resource given to Org1's administrators alone. (Nothing asks for lscc/Deploy and lscc/Upgrade, in Fabric neither: those are guarded by
// the right to propose and by instantiation policies. The resources of token transactions have no service in 1.4.12.)
func TestACLs(t *testing.T) {
	l := &life{network: start(t, localnet.Options{}), whole: t}
	l.org1, l.org2 = l.as(l.Admin(l.Orgs[0])), l.as(l.Admin(l.Orgs[1]))
	for _, name := range []string{"counter", "asset"} {
		l.install(name, "1.0", name)
		l.instantiate(name, "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")
	}
	people := l.people(t)
	ask := func(round string, r resource, want []string) {
		for name, signer := range people {
			err := r.ask(t.Context(), client.New(signer))
			if slices.Contains(want, name) {
				if err != nil {
					require.NotRegexp(t, denied, err.Error(), "%s: %s as %s", round, r.name, name)
				}
				continue
			}
			require.Error(t, err, "%s: %s as %s", round, r.name, name)
			require.Regexp(t, denied, err.Error(), "%s: %s as %s", round, r.name, name)
		}
	}
	channel, peerWide := l.resources(t)
	for _, r := range slices.Concat(channel, peerWide) {
		ask("by default", r, r.allowed)
	}

	// All but the right to propose, without which chaincode would not be reached.
	l.guard(t, func(name string) bool { return name != "peer/Propose" }, slices.Concat(channel, peerWide))
	channel, peerWide = l.resources(t)
	for _, r := range channel {
		if r.name != "peer/Propose" {
			ask("overridden", r, []string{"Org1's admin"})
		} else {
			ask("not overridden", r, r.allowed)
		}
	}
	for _, r := range peerWide {
		ask("no channel's to override", r, r.allowed)
	}

	l.guard(t, func(name string) bool { return name == "peer/Propose" }, channel)
	channel, _ = l.resources(t)
	for _, r := range channel {
		switch r.name {
		case "peer/Propose", "peer/ChaincodeToChaincode":
			ask("overridden", r, []string{"Org1's admin"})
		default:
			ask("not overridden any more", r, r.allowed)
		}
	}
}

// guard gives resources to Org1's administrators alone, and all others back to those who have them by default.
func (l *life) guard(t *testing.T, which func(name string) bool, all []resource) {
	t.Helper()
	acls := tree{}
	for _, r := range all {
		if which(r.name) {
			acls[r.name] = tree{"policy_ref": "/Channel/Application/Org1MSP/Admins"}
		}
	}
	l.update(l.Channel, func(c tree) { put(t, group(t, c, "Application"), "ACLs", tree{"acls": acls}) }, l.org1, l.org2)
}

// people are one of each kind.
func (l *life) people(t *testing.T) map[string]tx.Signer {
	t.Helper()
	conf, err := cryptogen.Parse([]byte("PeerOrgs: [{Name: Org1, Domain: org1.example.com, EnableNodeOUs: true}]"))
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, cryptogen.Generate(conf, dir, io.Discard))
	stranger, err := msp.LoadSigner(filepath.Join(dir, "peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp"), "Org1MSP")
	require.NoError(t, err)
	admin := l.signer(l.Admin(l.Orgs[0]))
	return map[string]tx.Signer{
		"Org1's admin":     admin,
		"Org1's client":    l.signer(l.User(l.Orgs[0])),
		"Org1's peer":      kit.Signer(t, l.Network, l.Orgs[0].PeerDir(), "Org1MSP"),
		"Org2's client":    l.signer(l.User(l.Orgs[1])),
		"an orderer's man": kit.Signer(t, l.Network, "crypto/ordererOrganizations/example.com/users/Admin@example.com", "OrdererMSP"),
		"a stranger":       stranger,
		"nobody":           nobody{admin},
	}
}

// resources are those of the channel and those of the peer.
func (l *life) resources(t *testing.T) (channel, peerWide []resource) {
	t.Helper()
	readers := []string{"Org1's admin", "Org1's client", "Org1's peer", "Org2's client"}
	writers := []string{"Org1's admin", "Org1's client", "Org2's client"}
	last, err := l.admin.Invoke(t.Context(), l.route(l.peers[0]), l.request("counter", "get", "x"))
	require.NoError(t, err)
	newest, err := l.admin.Block(t.Context(), l.orderer, l.Channel, client.Newest())
	require.NoError(t, err)
	query := func(channelID, chaincode string, args ...string) func(context.Context, *client.Client) error {
		return func(ctx context.Context, c *client.Client) error {
			_, err := c.Query(ctx, l.peers[0], client.Request{ChannelID: channelID, Chaincode: chaincode, Args: client.Args(args...)})
			var refused *client.EndorseError
			if errors.As(err, &refused) && refused.Response != nil { // the shim has the reason of a call that failed in the payload
				return fmt.Errorf("%w %s", err, refused.Response.Response.Payload)
			}
			return err
		}
	}
	system := func(chaincode, function string, allowed []string, args ...string) resource {
		return resource{chaincode + "/" + function, query(l.Channel, chaincode, append([]string{function}, args...)...), allowed}
	}
	own := func(chaincode, function string, allowed []string, args ...string) resource {
		return resource{chaincode + "/" + function, query("", chaincode, append([]string{function}, args...)...), allowed}
	}
	lscc := func(name, function string, args ...string) resource {
		r := system("lscc", function, readers, args...)
		r.name = "lscc/" + name
		return r
	}
	genesis, err := os.ReadFile(l.ChannelBlock())
	require.NoError(t, err)
	channel = []resource{
		lscc("ChaincodeExists", "getid", l.Channel, "counter"),
		lscc("GetDeploymentSpec", "getdepspec", l.Channel, "counter"),
		lscc("GetChaincodeData", "getccdata", l.Channel, "counter"),
		lscc("GetInstantiatedChaincodes", "getchaincodes"),
		lscc("GetCollectionsConfig", "getcollectionsconfig", "counter"),
		system("qscc", "GetChainInfo", readers, l.Channel),
		system("qscc", "GetBlockByNumber", readers, l.Channel, "1"),
		system("qscc", "GetBlockByHash", readers, l.Channel, string(newest.Header.PreviousHash)),
		system("qscc", "GetTransactionByID", readers, l.Channel, last.TxID),
		system("qscc", "GetBlockByTxID", readers, l.Channel, last.TxID),
		system("cscc", "GetConfigBlock", readers, l.Channel),
		system("cscc", "GetConfigTree", readers, l.Channel),
		system("cscc", "SimulateConfigTreeUpdate", writers, l.Channel, "no update"),
		{"peer/Propose", query(l.Channel, "counter", "get", "x"), writers},
		{"peer/ChaincodeToChaincode", query(l.Channel, "asset", "call", "counter", "", "get", "x"), writers},
		{"event/Block", func(ctx context.Context, c *client.Client) error {
			return c.Blocks(ctx, l.peers[0], l.Channel, client.Newest(), client.Newest(), func(*commonpb.Block) error { return nil })
		}, readers},
		{"event/FilteredBlock", func(ctx context.Context, c *client.Client) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			w, err := c.Watch(ctx, l.Channel, last.TxID, l.peers[0])
			if err != nil {
				return err
			}
			defer w.Close()
			_, err = w.Wait(ctx)
			return err
		}, readers},
	}
	admins, members := []string{"Org1's admin"}, []string{"Org1's admin", "Org1's client", "Org1's peer"}
	peerWide = []resource{
		own("lscc", "install", admins, "no package"),
		own("lscc", "getinstalledchaincodes", admins),
		own("cscc", "JoinChain", admins, string(genesis)),
		own("cscc", "GetChannels", members),
	}
	peerWide[0].name, peerWide[1].name = "lscc/Install", "lscc/GetInstalledChaincodes"
	return channel, peerWide
}
