package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func newChaincodeExplain(c *chaincodeCmd) *cobra.Command {
	var other string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Explain whether a chaincode can run on a peer, and why not",
		Long: "Tell what a channel says of a chaincode, what the peer has installed of it, and the outcome of every check between the two. " +
			"With --against, list the files that differ from those of another package, or of another peer's. " +
			"The exit code is 0 if all is well, and 1 if anything differs.",
		Example: "  peer chaincode explain -C mychannel -n mycc\n" +
			"  peer chaincode explain -C mychannel -n mycc --against mycc.pkg\n" +
			"  peer chaincode explain -C mychannel -n mycc --against peer0.org2.example.com:9051 --tlsRootCertFiles ca.crt",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.onChannel(); err != nil {
				return err
			}
			if err := c.named(); err != nil {
				return err
			}
			against := c.peers.takeOther(other)
			return c.withPeer(cmd.Context(), cmd.Name(), func(s *session, p *client.Peer) error {
				e := &explanation{channel: c.channel, name: c.name, version: c.version, peer: p.Address}
				if err := e.ask(cmd.Context(), s.client, p); err != nil {
					return err
				}
				if other != "" {
					if err := e.compareWith(cmd.Context(), s, against); err != nil {
						return err
					}
				}
				e.print(cmd.OutOrStdout())
				return e.verdict()
			})
		},
	}
	c.addChannel(cmd.Flags())
	c.addName(cmd.Flags())
	cmd.Flags().StringVarP(&c.version, "version", "v", "", "Version of the installed chaincode to look at; by default the one that the channel defines")
	cmd.Flags().StringVar(&other, "against", "", "A package file, or the host:port of another peer, whose package to compare with, file by file. If TLS is enabled, the last of --tlsRootCertFiles is that peer's")
	c.peers.add(cmd.Flags())
	return cmd
}

// takeOther takes what is meant for the peer that --against names out of the flags: the last root certificate, unless every one has its
// peer, or is all there is for two peers.
func (f *peerFlags) takeOther(address string) peerFlags {
	other := peerFlags{addresses: []string{address}}
	if n := len(f.roots); n > 0 {
		other.roots = f.roots[n-1:]
		if n > len(f.addresses) {
			f.roots = f.roots[:n-1]
		}
	}
	return other
}

// explanation is all that the command found out.
type explanation struct {
	channel, name, version, peer string

	definition *peerpb.ChaincodeData // what the channel says; nil if nothing
	undefined  string                // why it is nil, in the peer's words
	installed  []*peerpb.ChaincodeInfo
	unlisted   string // why the list is not known
	found      *found // the installed package of the version asked for; nil if there is none
	checks     []pack.Comparison
	other      *found // of --against
}

// found is a package, as much of it as could be had.
type found struct {
	label   string
	path    string // the source path
	print   pack.Fingerprint
	code    []byte // nil if only hashes could be had
	checks  []pack.Comparison
	changes []archive.Change
	same    bool  // byte for byte the same code package
	opaque  error // why the files cannot be listed
}

// ask collects what the peer knows.
func (e *explanation) ask(ctx context.Context, c *client.Client, p *client.Peer) error {
	var err error
	if e.definition, err = c.Definition(ctx, p, e.channel, e.name); err != nil {
		if e.undefined, err = refused(err); err != nil {
			return err
		}
		e.definition = nil
	}
	if e.version == "" {
		e.version = e.definition.GetVersion()
	}
	all, err := c.Installed(ctx, p)
	if err != nil {
		if e.unlisted, err = refused(err); err != nil {
			return err
		}
	}
	for _, i := range all {
		if i.Name == e.name {
			e.installed = append(e.installed, i)
		}
	}
	if e.version == "" {
		return nil
	}
	if e.found, err = e.packageOf(ctx, c, p, e.installed); err != nil || e.found == nil || e.definition == nil {
		return err
	}
	e.checks, err = pack.Compare(e.definition, e.found.print)
	return err
}

// packageOf is what can be had of a peer's package: the file where the peer hands it out, its deployment spec where it is the channel's, its
// entry in the list of installed chaincodes, or nothing.
func (e *explanation) packageOf(ctx context.Context, c *client.Client, p *client.Peer, installed []*peerpb.ChaincodeInfo) (*found, error) {
	raw, err := c.InstalledPackage(ctx, p, e.name, e.version)
	if err == nil {
		return newFound(p.Address, raw)
	}
	if _, err = refused(err); err != nil {
		return nil, err
	}
	if e.definition != nil && e.definition.Version == e.version {
		raw, err = c.DeploymentSpec(ctx, p, e.channel, e.name)
		if err == nil {
			f, err := newFound(p.Address, raw)
			if err == nil {
				// The peer has held it against the channel; of a signed package this is the inner part.
				f.print.CodeHash, f.print.ID = nil, e.definition.Id
			}
			return f, err
		}
		if _, err = refused(err); err != nil {
			return nil, err
		}
	}
	for _, i := range installed {
		if i.Version == e.version {
			return &found{label: p.Address, path: i.Path, print: pack.Listed(i)}, nil
		}
	}
	return nil, nil
}

func newFound(label string, raw []byte) (*found, error) {
	p, err := pack.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("package of %s: %w", label, err)
	}
	return &found{label: label, path: p.Path, print: p.Fingerprint(), code: p.Spec.CodePackage}, nil
}

// compareWith looks at the package that --against names.
func (e *explanation) compareWith(ctx context.Context, s *session, f peerFlags) (err error) {
	name := f.addresses[0]
	raw, readErr := os.ReadFile(name)
	_, _, addressErr := net.SplitHostPort(name)
	switch {
	case readErr == nil:
		e.other, err = newFound(name, raw)
	case addressErr != nil:
		return fmt.Errorf("--against %s is neither a file (%w) nor the host:port of a peer", name, readErr)
	default:
		if len(f.roots) == 0 {
			f.roots = []string{s.core.Peer.TLS.RootCert.File}
		}
		var peers []*client.Peer
		if peers, err = s.peers(ctx, &f); err != nil {
			return prefixed("--against "+name, err)
		}
		if e.other, err = e.packageOf(ctx, s.client, peers[0], nil); err == nil && e.other == nil {
			return fmt.Errorf("peer %s does not hand out %s:%s: it is not installed there, or is not the package that channel %s was instantiated from and you are no administrator of that peer",
				name, e.name, e.version, e.channel)
		}
	}
	if err != nil {
		return err
	}
	if e.definition != nil {
		if e.other.checks, err = pack.Compare(e.definition, e.other.print); err != nil {
			return err
		}
	}
	if e.found != nil && e.found.code != nil {
		e.other.same = string(e.found.code) == string(e.other.code)
		e.other.changes, e.other.opaque = archive.Diff(e.found.code, e.other.code)
	}
	return nil
}

// verdict is nil when the peer can run what the channel defines and, if asked, has the same package as the other.
func (e *explanation) verdict() error {
	subject := fmt.Sprintf("chaincode %s:%s on channel %s", e.name, e.version, e.channel)
	switch {
	case e.definition == nil:
		return fmt.Errorf("chaincode %s is not instantiated on channel %s", e.name, e.channel)
	case e.found == nil:
		return fmt.Errorf("%s is not installed on %s", subject, e.peer)
	}
	if what := firstDifference(e.checks); what != "" {
		return fmt.Errorf("%s cannot run on %s: %s differs", subject, e.peer, what)
	}
	if e.other != nil && !e.other.same {
		return fmt.Errorf("%s: the packages of %s and %s are not the same", subject, e.peer, e.other.label)
	}
	return nil
}

func firstDifference(checks []pack.Comparison) string {
	for _, c := range checks {
		if c.Verdict == pack.Differs {
			return c.What
		}
	}
	return ""
}

// refused is what a peer said that answered and would not do what it was asked; any other failure stays an error.
func refused(err error) (string, error) {
	var e *client.EndorseError
	switch {
	case !errors.As(err, &e):
	case e.Err == nil:
		return e.Response.GetResponse().GetMessage(), nil
	case status.Code(e.Err) == codes.Unknown: // how a peer refuses a proposal of somebody else's organisation
		return status.Convert(e.Err).Message(), nil
	}
	return "", err
}
