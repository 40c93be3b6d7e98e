package peer

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/validation"
)

func newChaincodeInstall(c *chaincodeCmd) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "install [packagefile]",
		Short: "Install a chaincode on a peer",
		Long: `Install a chaincode on a peer: one that -n, -v and -p name, whose sources are packaged first, or the contents of a package file. It is
a local act of one peer; every peer that is to endorse needs it.`,
		Example: "  peer chaincode install -n mycc -v 1.0 -p example.com/mycc\n  peer chaincode install mycc.pkg",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := c.packageToInstall(cmd.Context(), args)
			if err != nil {
				return err
			}
			return c.withPeer(cmd.Context(), cmd.Name(), func(s *session, p *client.Peer) error {
				if err := s.client.Install(cmd.Context(), p, raw); err != nil {
					return refusal(err, "Error endorsing chaincode: %w", "Bad response: %d - %s")
				}
				s.log.InfoContext(cmd.Context(), `Installed remotely response:<status:200 payload:"OK" > `)
				return nil
			})
		},
	}
	c.addName(cmd.Flags())
	c.addVersion(cmd.Flags())
	c.addPath(cmd.Flags())
	c.addLang(cmd)
	c.addArgs(cmd.Flags())
	c.peers.add(cmd.Flags())
	return cmd
}

// packageToInstall is the file that was named, or a bare package of the sources that the flags name.
func (c *chaincodeCmd) packageToInstall(ctx context.Context, args []string) ([]byte, error) {
	if len(args) > 0 {
		return c.packageFile(args[0])
	}
	if c.name == "" || c.version == "" || c.path == "" {
		return nil, errors.New("Must supply value for chaincode name, path and version parameters.")
	}
	spec, err := c.deploymentSpec(ctx, "install")
	if err != nil {
		return nil, err
	}
	return pack.Create(spec)
}

// packageFile reads a package, which must be the chaincode that the flags name where they name one.
func (c *chaincodeCmd) packageFile(file string) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := pack.Parse(raw)
	if err != nil {
		return nil, err
	}
	if p.Signed() {
		if err := validation.CheckDeploymentSpec(p.Spec); err != nil {
			return nil, fmt.Errorf("error extracting chaincode deployment spec(%w)", err)
		}
	}
	switch {
	case c.name != "" && c.name != p.Name:
		return nil, fmt.Errorf("chaincode name %s does not match name %s in package", c.name, p.Name)
	case c.version != "" && c.version != p.Version:
		return nil, fmt.Errorf("chaincode version %s does not match version %s in packages", c.version, p.Version)
	}
	return raw, prefixed("invalid deployment spec", platform.Validate(p.Spec)) // no peer could build it
}
