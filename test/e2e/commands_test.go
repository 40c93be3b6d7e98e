//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// commandCase is a command that was run with real Fabric 1.4, and what it wrote. The vectors know it by its title.
type commandCase struct {
	Title   string
	Kind    string
	As      string `json:"as_"` // "Admin of Org1"
	Peer    string // p1 or p2
	Command string
	Exit    any // a number
	Stdout  string
	Stderr  string
	Env     map[string]string
}

// commands runs commandCases on a network.
type commands struct {
	*network
	t     *testing.T
	cases map[string]commandCase
	work  string // where commands run
	// identities are the MSP folders of strangers, by the names that the vectors have for them.
	identities map[string]string
}

// The vectors' names of identities that are none of the network's.
const (
	expired    = "$WORK/crypto/extra/expired2"
	otherCA    = "$WORK/crypto/extra/rogueca2" // Org1 by name, with a CA of its own
	selfSigned = "$WORK/crypto/extra/rogueca"  // whose CA certificate no Go program verifies
)

// The ways in which what a command writes is held against what Fabric's wrote. In all of them times, function names in the log, hashes,
// addresses and folders stand back.
const (
	exact     = iota
	explained // a line may go on after Fabric's text: there is an explanation behind it
	someLines // standard output has some of Fabric's lines: the vectors' network holds more than this one
	shape     // standard output has numbers and hashes of its own
)

func newCommands(t *testing.T) *commands {
	c := &commands{network: startBare(t, localnet.Options{Channel: "errchannel"}), t: t, cases: map[string]commandCase{}, work: t.TempDir()}
	for _, k := range vectors.JSON[[]commandCase](t, "fabric-1.4", "errors", "errors.json") {
		if k.Kind == "cli" {
			c.cases[k.Title] = k
		}
	}
	require.NoError(t, os.CopyFS(filepath.Join(c.gopath, "src"), os.DirFS(vectors.Path("fabric-1.4", "packages", "src", "go"))))
	require.NoError(t, os.MkdirAll(filepath.Join(c.work, "nodecc"), 0o755))
	c.copy(vectors.Path("fabric-1.4", "packages", "src", "node", "package.json"), "nodecc/package.json")
	c.copy(vectors.Path("fabric-1.4", "config", "update-batchsize", "original.pb"), "original.pb")
	c.copy(filepath.Join(c.Dir, "channel", "genesis.block"), "genesis.block")
	c.copy(c.ChannelBlock(), "errchannel.block")
	c.identities = map[string]string{
		selfSigned: vectors.Path("fabric-1.4", "crypto-extra", "unknown-ca-client"),
		otherCA:    c.stranger("other", time.Now()),
		expired:    c.stranger("expired", time.Now().AddDate(-11, 0, 0)),
	}
	for channel, file := range map[string]string{"errchannel": "errchannel.tx", "newone": "newone.tx", "Bad_Channel": "bad.tx"} {
		c.configtxgen("-channelID", channel, "-outputCreateChannelTx", file)
	}
	c.configtxgen("-channelID", "errchannel", "-outputAnchorPeersUpdate", "errOrg1anchors.tx", "-asOrg", "Org1MSP")
	return c
}

func (c *commands) copy(from, to string) {
	c.t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(filepath.Join(c.work, to), b, 0o644))
}

// stranger makes an organisation that calls itself Org1, with keys made at the given time, and returns its administrator's MSP folder.
func (c *commands) stranger(dir string, made time.Time) string {
	c.t.Helper()
	conf, err := cryptogen.Parse([]byte("PeerOrgs: [{Name: Org1, Domain: org1.example.com, EnableNodeOUs: true}]"))
	require.NoError(c.t, err)
	conf.Now = func() time.Time { return made }
	dir = filepath.Join(c.work, dir)
	require.NoError(c.t, cryptogen.Generate(conf, dir, io.Discard))
	return filepath.Join(dir, "peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp")
}

func (c *commands) configtxgen(args ...string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), kit.Binary(c.t), append([]string{"configtxgen", "-configPath", c.Dir, "-profile", "Channel"}, args...)...)
	cmd.Dir = c.work
	out, err := cmd.CombinedOutput()
	require.NoError(c.t, err, "%s", out)
}

// install installs example.com/<source> at the peer of org.
func (c *commands) install(name, version, source string, org localnet.Org) {
	c.t.Helper()
	c.peer(c.Admin(org), "chaincode", "install", "-n", name, "-v", version, "-p", "example.com/"+source)
}

// instantiate instantiates version 1.0 at the first peer and waits for its block.
func (c *commands) instantiate(name, rule string) {
	c.t.Helper()
	c.peer(c.Admin(c.Orgs[0]), append([]string{"chaincode", "instantiate", "-C", c.Channel, "-n", name, "-v", "1.0", "-c", `{"Args":["init"]}`, "-P", rule},
		c.OrdererFlags()...)...)
	c.deployed(name)
}

// deployed waits until both peers know a chaincode.
func (c *commands) deployed(name string) {
	c.t.Helper()
	for _, org := range c.Orgs {
		require.Eventually(c.t, func() bool {
			return strings.Contains(c.peer(c.Admin(org), "chaincode", "list", "--instantiated", "-C", c.Channel).Stdout, "Name: "+name+",")
		}, 20*time.Second, 100*time.Millisecond)
	}
}

// run runs the case of a title and compares.
func (c *commands) run(title string, how int) {
	c.t.Helper()
	k, ok := c.cases[title]
	require.True(c.t, ok, "the vectors have no case %q", title)
	delete(c.cases, title)
	c.t.Run(strings.ReplaceAll(title, "/", " "), func(t *testing.T) {
		args := words(k.Command)
		cmd := exec.CommandContext(t.Context(), kit.Binary(t), c.arguments(args)...)
		cmd.Dir = c.work
		cmd.Env = append(os.Environ(), c.environment(k)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		require.EqualValues(t, k.Exit, cmd.ProcessState.ExitCode(), "%s", stderr.String())
		compare(t, how, comparable(k.Stderr), comparable(c.generic(stderr.String())))
		switch how {
		case someLines:
			for _, line := range lines(stdout.String()) {
				require.Contains(t, lines(k.Stdout), line)
			}
		case shape:
			number := regexp.MustCompile(`\d+|"[A-Za-z0-9+/]{43}="`)
			require.Equal(t, number.ReplaceAllString(strings.TrimSpace(k.Stdout), "N"), number.ReplaceAllString(strings.TrimSpace(stdout.String()), "N"))
		default:
			require.Equal(t, strings.TrimSpace(k.Stdout), strings.TrimSpace(c.generic(stdout.String())))
		}
	})
}

// config is the newest configuration block, as the orderer has it.
func (c *commands) config() string {
	c.t.Helper()
	file := filepath.Join(c.work, "config.block")
	c.peer(c.Admin(c.Orgs[0]), append([]string{"channel", "fetch", "config", file, "-c", c.Channel}, c.OrdererFlags()...)...)
	raw, err := os.ReadFile(file)
	require.NoError(c.t, err)
	return string(raw)
}

// logged wants texts in the log of the first peer.
func (c *commands) logged(texts ...string) {
	c.t.Helper()
	log, err := os.ReadFile(c.LogFile(c.Orgs[0].Peer))
	require.NoError(c.t, err)
	for _, text := range texts {
		require.Contains(c.t, string(log), text)
	}
}

func compare(t *testing.T, how int, want, got []string) {
	t.Helper()
	if how != explained {
		require.Equal(t, want, got)
		return
	}
	require.Len(t, got, len(want), "%q", got)
	for i := range want {
		require.True(t, strings.HasPrefix(got[i], strings.TrimRight(want[i], `" `)), "line %d: want %s…\ngot %s", i, want[i], got[i])
	}
}

// environment is who runs the command, against which peer.
func (c *commands) environment(k commandCase) []string {
	if k.As == "" {
		return []string{"FABRIC_CFG_PATH=" + c.Dir}
	}
	user, name, _ := strings.Cut(k.As, " of ")
	org := c.Orgs[slices.IndexFunc(c.Orgs, func(o localnet.Org) bool { return o.Name == name })]
	at := c.Orgs[0]
	if k.Peer == "p2" {
		at = c.Orgs[1]
	}
	env := append(c.Env(localnet.Identity{Org: org, User: user}),
		"CORE_PEER_ADDRESS="+at.Peer.Address(), "CORE_PEER_TLS_ROOTCERT_FILE="+c.PeerCA(at),
		"GOPATH="+c.gopath, "GO111MODULE=off")
	if k.Title == "wrong peer address" {
		env = append(env, "CORE_PEER_ADDRESS=127.0.0.1:21998")
	}
	for name, value := range k.Env {
		if folder, ok := c.identities[value]; ok {
			value = folder
		}
		env = append(env, name+"="+strings.ReplaceAll(value, "$WORK", c.work))
	}
	return env
}

// arguments puts this network's addresses and folders into a command, and turns TLS on.
func (c *commands) arguments(args []string) []string {
	here := strings.NewReplacer("$WORK/Org1MSPanchors.tx", filepath.Join(c.work, "errOrg1anchors.tx"), "$WORK", c.work, "$VECTORS", vectors.Path("fabric-1.4"),
		"127.0.0.1:21000", c.Orderer.Address(), "mychannel", "errchannel")
	for i := range args {
		args[i] = here.Replace(args[i])
	}
	if args[0] == "peer" {
		args = append(args, "--tls", "--cafile", c.OrdererCA())
	}
	return args
}

// generic puts the vectors' names for addresses and folders into what a command wrote.
func (c *commands) generic(text string) string {
	data := func(org localnet.Org) string { return filepath.Join(c.Dir, "nodes", org.Peer.Name, "data") }
	return strings.NewReplacer(
		data(c.Orgs[0]), "$WORK/data/p1", data(c.Orgs[1]), "$WORK/data/p2", c.gopath, "$GOPATH",
		c.identities[expired], expired, c.identities[selfSigned], selfSigned, c.work, "$WORK",
		c.Orderer.Address(), "127.0.0.1:21000", c.Orgs[0].Peer.Address(), "127.0.0.1:21001", c.Orgs[1].Peer.Address(), "127.0.0.1:21011",
	).Replace(text)
}

var (
	logPrefix   = regexp.MustCompile(`^(?:<time>|[-0-9]+ [.:0-9]+ UTC) (\[[a-z.A-Z]+\]) \S+ -> `)
	transaction = regexp.MustCompile(`[0-9a-f]{64}`)
	duration    = regexp.MustCompile(`expired [0-9hms.]+ ago`)
)

// comparable are the lines of standard error without what differs from run to run, and without the usage, of which only the first line
// stays.
func comparable(text string) []string {
	text, _, usage := strings.Cut(text, "\nUsage:")
	all := lines(text)
	for i, line := range all {
		line = logPrefix.ReplaceAllString(line, "$1 ")
		line = transaction.ReplaceAllString(line, "<txid>")
		line = strings.ReplaceAll(strings.ReplaceAll(line, "mychannel", "errchannel"), "chainID = syschan ", "chainID = system-channel ")
		all[i] = duration.ReplaceAllString(line, "expired <duration> ago")
	}
	if usage {
		all = append(all, "Usage:")
	}
	return all
}

func lines(text string) []string {
	var all []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// words splits a command as the vectors write it: in words, of which some stand in quotes that do not escape quotes within.
func words(command string) []string {
	var all []string
	for rest := command; rest != ""; {
		rest = strings.TrimLeft(rest, " ")
		if !strings.HasPrefix(rest, "'") {
			w, after, _ := strings.Cut(rest, " ")
			all, rest = append(all, w), after
			continue
		}
		end := strings.Index(rest, "' -")
		if end < 1 {
			end = strings.LastIndex(rest, "'")
		}
		all, rest = append(all, rest[1:end]), rest[end+1:]
	}
	return all
}
