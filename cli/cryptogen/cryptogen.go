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
	root := &cobra.Command{
		Use:               "cryptogen",
		Short:             "Make keys and certificates for a test network: generate|extend|showtemplate|version",
		SilenceUsage:      true,
		SilenceErrors:     true,
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

// newMake is a command that writes a crypto tree: its directory comes by the flag dirFlag.
func newMake(name, short, dirFlag, dirHelp string, make func(*cryptogen.Config, string, io.Writer) error) *cobra.Command {
	var dir, file string
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Example: fmt.Sprintf("  cryptogen %s --config crypto-config.yaml --%s crypto-config", name, dirFlag),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := read(file, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := make(conf, dir, cmd.OutOrStdout()); err != nil {
				return runError{err, failed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, dirFlag, "crypto-config", dirHelp)
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
