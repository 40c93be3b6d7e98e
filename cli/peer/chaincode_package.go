package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func newChaincodePackage(c *chaincodeCmd) *cobra.Command {
	var signed, sign bool
	var instantiation string
	cmd := &cobra.Command{
		Use:   "package [outputfile]",
		Short: "Write a chaincode's sources into a package file",
		Long: `Write a chaincode's sources into a package file, to be installed on peers. With -s the package can have owners, who sign it (-S, and
signpackage), and an instantiation policy (-i).`,
		Example: "  peer chaincode package -n mycc -v 1.0 -p example.com/mycc -s -S -i \"AND('Org1MSP.admin')\" mycc.pkg",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("output file not specified or invalid number of args (filename should be the only arg)")}
			}
			spec, err := c.deploymentSpec(cmd.Context(), cmd.Name())
			if err != nil {
				return err
			}
			raw, err := c.session.pack(spec, signed, sign, instantiation)
			if err != nil {
				return err
			}
			return os.WriteFile(args[0], raw, 0o700)
		},
	}
	c.addName(cmd.Flags())
	c.addVersion(cmd.Flags())
	c.addPath(cmd.Flags())
	c.addLang(cmd)
	c.addArgs(cmd.Flags())
	cmd.Flags().BoolVarP(&signed, "cc-package", "s", false, "create CC deployment spec for owner endorsements instead of raw CC deployment spec")
	cmd.Flags().BoolVarP(&sign, "sign", "S", false, "if creating CC deployment spec package for owner endorsements, also sign it with local MSP")
	cmd.Flags().StringVarP(&instantiation, "instantiate-policy", "i", "", "instantiation policy for the chaincode")
	return cmd
}

// deploymentSpec collects the sources that -p names.
func (c *chaincodeCmd) deploymentSpec(ctx context.Context, command string) (*peerpb.ChaincodeDeploymentSpec, error) {
	if err := c.versioned(command); err != nil {
		return nil, err
	}
	c.session.reportPlugins(ctx, &c.chaincodeFlags)
	args, err := c.optionalArgs()
	if err != nil {
		return nil, err
	}
	path, code, err := platform.Collect(c.language(), c.path, c.io.Env)
	if err != nil {
		return nil, fmt.Errorf("error getting chaincode code %s: %w", c.name, err)
	}
	return &peerpb.ChaincodeDeploymentSpec{
		ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type:        c.language(),
			ChaincodeId: &peerpb.ChaincodeID{Path: path, Name: c.name, Version: c.version},
			Input:       &peerpb.ChaincodeInput{Args: args},
		},
		CodePackage: code,
	}, nil
}

// pack makes a bare package or, with signed, one that carries an instantiation policy: by default that an administrator of the local
// organisation instantiates.
func (s *session) pack(spec *peerpb.ChaincodeDeploymentSpec, signed, sign bool, instantiation string) ([]byte, error) {
	if !signed {
		return pack.Create(spec)
	}
	if instantiation == "" {
		instantiation = fmt.Sprintf("AND('%s.admin')", s.core.Peer.LocalMSPID)
	}
	p, err := policy.Parse(instantiation)
	if err != nil {
		return nil, fmt.Errorf("Invalid policy %s, err %w", instantiation, err)
	}
	if !sign {
		return pack.CreateSigned(spec, wire.MustMarshal(p), nil, time.Now())
	}
	return pack.CreateSigned(spec, wire.MustMarshal(p), s.signer, time.Now())
}
