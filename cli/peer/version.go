package peer

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/version"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show version information",
		Long:    "Show the release of Fabric that this program is compatible with, its own, the revision it was built from, and the toolchain.",
		Example: "  peer version",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 0 {
				return usageError{errors.New("trailing args detected")}
			}
			cmd.Print(version.Text("peer"))
			return nil
		},
	}
}
