// Package cryptogen is the cryptogen command: keys and certificates for a test network.
package cryptogen

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/version"
	"github.com/heddleledger/heddle/cryptogen"
)

// Run executes the cryptogen command with args and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:               "cryptogen",
		Short:             "Make keys and certificates for a test network: generate|extend|showtemplate|version",
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	root.AddCommand(
		newMake("generate", "Generate key material", "output", "The output directory in which to place artifacts", cryptogen.Generate),
		newMake("extend", "Extend existing network", "input", "The input directory in which existing network place", cryptogen.Extend),
		&cobra.Command{
			Use: "showtemplate", Short: "Show the default configuration template", Args: cobra.NoArgs, Example: "  cryptogen showtemplate > crypto-config.yaml",
			Run: func(cmd *cobra.Command, _ []string) { cmd.Print(cryptogen.Template()) },
		},
		&cobra.Command{
			Use: "version", Short: "Show version information", Args: cobra.NoArgs, Example: "  cryptogen version",
			Run: func(cmd *cobra.Command, _ []string) { cmd.Print(version.Text("cryptogen")) },
		},
	)
	if err := root.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

// newMake is a command that writes a crypto tree: its directory comes by the flag dirFlag.
func newMake(name, short, dirFlag, dirHelp string, make func(*cryptogen.Config, string, io.Writer) error) *cobra.Command {
	var dir, file string
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Example: fmt.Sprintf("  cryptogen %s --config crypto-config.yaml --%s crypto-config", name, dirFlag),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			text := []byte(cryptogen.Template())
			if file != "" {
				var err error
				if text, err = os.ReadFile(file); err != nil {
					return fmt.Errorf("Error reading config: %w", err)
				}
			}
			conf, err := cryptogen.Parse(text)
			if err != nil {
				return fmt.Errorf("Error reading config: %w", err)
			}
			return make(conf, dir, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, dirFlag, "crypto-config", dirHelp)
	cmd.Flags().StringVar(&file, "config", "", "The configuration template to use (default: what showtemplate prints)")
	return cmd
}
