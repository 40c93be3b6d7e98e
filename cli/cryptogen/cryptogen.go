// Package cryptogen is the cryptogen command: keys and certificates for a test network.
package cryptogen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/version"
)

// Exit codes of a run that failed. The first is Fabric's for a configuration that cannot be read.
const (
	badConfig = 255
	failed    = 1
)

// runError is what went wrong in a command line that was fine.
type runError struct {
	error
	code int
}

// Run executes the cryptogen command with args and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := New()
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var run runError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &run):
		fmt.Fprintln(stderr, run)
		return run.code
	}
	fmt.Fprintf(stderr, "cryptogen: error: %s, try --help\n", err)
	return failed
}

// New is the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "cryptogen",
		Short: "Make keys and certificates for a test network: generate|extend|showtemplate|version",
		Long: `Make keys and certificates for a test network from a list of its organizations: for each a CA and a TLS CA, and an identity per node and
user. For more than tests, get certificates from a CA that can revoke them.`,
		Example:           "  cryptogen showtemplate > crypto-config.yaml\n  cryptogen generate --config crypto-config.yaml",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(
		newMake(&cobra.Command{
			Use: "generate", Short: "Make the keys and certificates of a network", Example: "  cryptogen generate --config crypto-config.yaml --output crypto-config",
			Long: "Make the keys and certificates of all organizations that the configuration lists. What is there already is not overwritten.",
		}, "output", "The output directory in which to place artifacts", cryptogen.Generate),
		newMake(&cobra.Command{
			Use: "extend", Short: "Make what an existing network lacks", Example: "  cryptogen extend --config crypto-config.yaml --input crypto-config",
			Long: "Make what the configuration lists and an existing network lacks: organizations, nodes, users. What is there stays as it is.",
		}, "input", "The input directory in which existing network place", cryptogen.Extend),
		&cobra.Command{
			Use: "showtemplate", Short: "Show the default configuration template", Args: cobra.NoArgs, Example: "  cryptogen showtemplate > crypto-config.yaml",
			Long: "Show the configuration that is used when none is given, to start one's own from.",
			Run:  func(cmd *cobra.Command, _ []string) { cmd.Print(cryptogen.Template()) },
		},
		version.Command("cryptogen"),
	)
	return root
}

// newMake completes a command that writes a crypto tree: its directory comes by the flag dirFlag.
func newMake(cmd *cobra.Command, dirFlag, dirHelp string, make func(*cryptogen.Config, string, io.Writer) error) *cobra.Command {
	var dir, file string
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		conf, err := read(file, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		if err := make(conf, dir, cmd.OutOrStdout()); err != nil {
			return runError{err, failed}
		}
		return nil
	}
	cmd.Flags().StringVar(&dir, dirFlag, "crypto-config", dirHelp)
	_ = cmd.MarkFlagDirname(dirFlag)
	cmd.Flags().StringVar(&file, "config", "", "The configuration template to use (default: what showtemplate prints)")
	return cmd
}

// read reads the configuration in file, or Fabric's template for no file, and warns of keys that mean nothing.
func read(file string, stderr io.Writer) (*cryptogen.Config, error) {
	text := []byte(cryptogen.Template())
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	conf, err := cryptogen.Parse(text)
	if err != nil {
		return nil, runError{fmt.Errorf("Error reading config: %w", err), badConfig}
	}
	for _, w := range conf.Warnings {
		line, what, _ := strings.Cut(strings.TrimPrefix(w, "line "), ": ")
		fmt.Fprintf(stderr, "%s:%s: %s; ignored\n", file, line, strings.Replace(what, "in type cryptogen.", "in ", 1))
	}
	return conf, nil
}
