package peer

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/chaincode/pack"
)

func newChaincodeSignPackage(c *chaincodeCmd) *cobra.Command {
	return &cobra.Command{
		Use:     "signpackage [inputpackage] [outputpackage]",
		Short:   "Add one's signature to a package file",
		Long:    "Add one's signature, as a further owner, to a package file that was made with -s.",
		Example: "  peer chaincode signpackage mycc.pkg mycc-signed.pkg",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{errors.New("peer chaincode signpackage <inputpackage> <outputpackage>")}
			}
			raw, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			signed, err := pack.AddOwner(raw, c.session.signer, time.Now())
			if err != nil {
				return err
			}
			if err := os.WriteFile(args[1], signed, 0o700); err != nil {
				return err
			}
			cmd.Printf("Wrote signed package to %s successfully\n", args[1])
			return nil
		},
	}
}
