package localnet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Env is the environment in which peer commands run as identity i against its organisation's peer.
func (n *Network) Env(i Identity) []string {
	tlsKey, tlsCert := n.tlsKeyPair(i)
	return []string{
		"FABRIC_CFG_PATH=" + filepath.Join(n.Dir, "client"),
		"CORE_PEER_LOCALMSPID=" + i.Org.MSPID,
		"CORE_PEER_MSPCONFIGPATH=" + filepath.Join(n.Dir, i.UserDir(), "msp"),
		"CORE_PEER_ADDRESS=" + i.Org.Peer.Address(),
		"CORE_PEER_TLS_ENABLED=" + strconv.FormatBool(!n.NoTLS),
		"CORE_PEER_TLS_ROOTCERT_FILE=" + n.PeerCA(i.Org),
		"CORE_PEER_TLS_CLIENTAUTHREQUIRED=" + strconv.FormatBool(n.MutualTLS),
		"CORE_PEER_TLS_CLIENTCERT_FILE=" + tlsCert,
		"CORE_PEER_TLS_CLIENTKEY_FILE=" + tlsKey,
		"ORDERER_ADDRESS=" + n.Orderer.Address(),
		"ORDERER_CA=" + n.OrdererCA(),
	}
}

// inherited is this process's environment without the identity that the user's shell may have become by sourcing an EnvFile. Other CORE_ and
// ORDERER_ variables override the configuration of nodes and commands, as they do elsewhere.
func (n *Network) inherited() []string {
	identity := map[string]bool{}
	for _, v := range n.Env(n.Identities()[0]) {
		name, _, _ := strings.Cut(v, "=")
		identity[name] = true
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return identity[name]
	})
}

// OrdererCA is the file with the certificate that vouches for the orderer's TLS certificate.
func (n *Network) OrdererCA() string { return filepath.Join(n.Dir, n.OrdererDir(), "tls", "ca.crt") }

// PeerCA is the file with the certificate that vouches for the TLS certificate of org's peer.
func (n *Network) PeerCA(org Org) string { return filepath.Join(n.Dir, org.PeerDir(), "tls", "ca.crt") }

// EnvFile is the file to source to become identity i in a shell.
func (n *Network) EnvFile(i Identity) string { return filepath.Join(n.Dir, "env", i.Name()+".sh") }

func (n *Network) envFile(i Identity) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Source this file to run peer commands as %s of %s.\n", i.User, i.Org.Name)
	for _, v := range n.Env(i) {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	tls := ` --tls --cafile "$ORDERER_CA"`
	if n.NoTLS {
		tls = ""
	}
	fmt.Fprintf(&b, "# To the orderer: peer … -o \"$ORDERER_ADDRESS\"%s\n", tls)
	return b.String()
}

// OrdererFlags are the flags with which peer commands reach the orderer.
func (n *Network) OrdererFlags() []string {
	flags := []string{"-o", n.Orderer.Address()}
	if n.NoTLS {
		return flags
	}
	flags = append(flags, "--tls", "--cafile", n.OrdererCA())
	if n.MutualTLS {
		key, cert := n.tlsKeyPair(n.Identities()[0])
		flags = append(flags, "--clientauth", "--certfile", cert, "--keyfile", key)
	}
	return flags
}

// PeerFlags are the flags with which a peer command asks the peers of all given organisations.
func (n *Network) PeerFlags(orgs ...Org) []string {
	var flags []string
	for _, o := range orgs {
		flags = append(flags, "--peerAddresses", o.Peer.Address())
		if !n.NoTLS {
			flags = append(flags, "--tlsRootCertFiles", n.PeerCA(o))
		}
	}
	return flags
}

// Output is what a command wrote.
type Output struct{ Stdout, Stderr string }

// Peer runs a peer command as identity i and waits for it. Its error carries what the command wrote to standard error.
func (n *Network) Peer(ctx context.Context, i Identity, args ...string) (Output, error) {
	return n.PeerWith(ctx, i, nil, args...)
}

// PeerWith is Peer with further environment variables ("KEY=value"), such as the GOPATH to package from.
func (n *Network) PeerWith(ctx context.Context, i Identity, env []string, args ...string) (Output, error) {
	cmd := exec.CommandContext(ctx, n.executable, append([]string{"peer"}, args...)...)
	cmd.Env = append(append(n.inherited(), n.Env(i)...), env...)
	cmd.Dir = n.Dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := Output{stdout.String(), stderr.String()}
	if err != nil {
		return out, fmt.Errorf("peer %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(out.Stderr))
	}
	return out, nil
}

// tool runs one of the executable's tools in the network's directory.
func (n *Network) tool(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, n.executable, args...)
	cmd.Env = n.inherited()
	cmd.Dir = n.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", args[0], err, out)
	}
	return nil
}
