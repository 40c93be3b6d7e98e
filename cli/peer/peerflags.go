package peer

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// peerFlags name the peers to ask.
type peerFlags struct {
	addresses, roots []string
	profile          string   // a file
	pems             []string // of the profile, one for each address; empty where the profile names a file
}

func (f *peerFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.addresses, "peerAddresses", nil, "The addresses of the peers to connect to")
	flags.StringArrayVar(&f.roots, "tlsRootCertFiles", nil, "If TLS is enabled, the paths to the TLS root cert files of the peers to connect to. The order and number of certs specified should match the --peerAddresses flag")
	flags.StringVar(&f.profile, "connectionProfile", "", "Connection profile that provides the necessary connection information for the network. Note: currently only supported for providing peer connection information")
}

// check completes the flags from the connection profile, if there is one, and refuses what cannot be meant: several peers for a command
// other than invoke, or as many root certificates as peers it is not.
func (f *peerFlags) check(ctx context.Context, s *session, command, channel string) error {
	const failure = "error validating peer connection parameters"
	if f.profile != "" {
		if err := f.useProfile(channel); err != nil {
			return prefixed(failure, err)
		}
	}
	if command != "invoke" && len(f.addresses) > 1 {
		return fmt.Errorf("%s: '%s' command can only be executed against one peer. received %d", failure, command, len(f.addresses))
	}
	if len(f.addresses) == 0 {
		return nil // the peer of core.yaml, with its root certificate
	}
	if len(f.roots) > len(f.addresses) {
		s.log.WarnContext(ctx, fmt.Sprintf("received more TLS root cert files (%d) than peer addresses (%d)", len(f.roots), len(f.addresses)))
	}
	if s.core.Peer.TLS.Enabled && len(f.roots) != len(f.addresses) {
		return fmt.Errorf("%s: number of peer addresses (%d) does not match the number of TLS root cert files (%d)", failure, len(f.addresses), len(f.roots))
	}
	return nil
}

// root is what vouches for the peer of addresses[i].
func (f *peerFlags) root(i int) rootCert {
	var r rootCert
	if i < len(f.roots) {
		r.file = f.roots[i]
	}
	if i < len(f.pems) {
		r.pem = f.pems[i]
	}
	return r
}

// connectionProfile is the part of a connection profile that tells a channel's endorsing peers.
type connectionProfile struct {
	Channels map[string]struct {
		Peers map[string]struct {
			EndorsingPeer bool `yaml:"endorsingPeer"`
		} `yaml:"peers"`
	} `yaml:"channels"`
	Peers map[string]struct {
		URL        string `yaml:"url"` // host:port, as Fabric's command has it, or with a scheme, as client libraries have it
		TLSCACerts struct {
			Path string `yaml:"path"`
			PEM  string `yaml:"pem"`
		} `yaml:"tlsCACerts"`
	} `yaml:"peers"`
}

// useProfile takes the endorsing peers of the channel, by name, instead of those that flags name. A profile that does not know the channel
// changes nothing.
func (f *peerFlags) useProfile(channel string) error {
	raw, err := os.ReadFile(f.profile)
	if err != nil {
		return fmt.Errorf("error reading connection profile: %w", err)
	}
	var p connectionProfile
	if err := yaml.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("error unmarshaling YAML: %s: %w", f.profile, err)
	}
	peers := p.Channels[channel].Peers
	if len(peers) == 0 {
		return nil
	}
	f.addresses, f.roots, f.pems = nil, nil, nil
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		if !peers[name].EndorsingPeer {
			continue
		}
		peer, ok := p.Peers[name]
		if !ok {
			return fmt.Errorf("peer '%s' is defined in the channel config but doesn't have associated peer config", name)
		}
		f.addresses = append(f.addresses, strings.TrimPrefix(strings.TrimPrefix(peer.URL, "grpcs://"), "grpc://"))
		f.roots = append(f.roots, peer.TLSCACerts.Path)
		f.pems = append(f.pems, peer.TLSCACerts.PEM)
	}
	if len(f.addresses) == 0 {
		return fmt.Errorf("connection profile %s names no endorsing peer of channel %s", f.profile, channel)
	}
	return nil
}
