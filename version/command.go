package version

import "github.com/spf13/cobra"

// Command is the version command of a tool.
func Command(tool string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show version information",
		Long:    "Show the release of Fabric that this program is compatible with, its own, the revision it was built from, and the toolchain.",
		Example: "  " + tool + " version",
		Args:    cobra.NoArgs,
		Run:     func(cmd *cobra.Command, _ []string) { cmd.Print(Text(tool)) },
	}
}
