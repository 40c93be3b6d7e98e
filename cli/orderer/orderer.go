// Package orderer is the orderer command: an ordering node.
//
// What is wrong with the command line goes to standard error as it is, everything else as log lines, as Fabric 1.4's does. The exit code is
// 0, or 1 for any failure.
package orderer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/node"
	"github.com/heddleledger/heddle/version"
)

// loggedError is an error that a log line has told.
type loggedError struct{ error }

// Run executes the orderer command with args and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, env []string) int {
	root := New(stderr, env)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !errors.As(err, new(loggedError)) {
		fmt.Fprintf(stderr, "orderer: error: %s, try --help\n", err)
	}
	return 1
}

// New is the command tree. Without a verb it starts the node, as Fabric's does.
func New(stderr io.Writer, env []string) *cobra.Command {
	start := func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), stderr, env) }
	root := &cobra.Command{
		Use:               "orderer",
		Short:             "An ordering node: start|version",
		Long:              "An ordering node. Without a verb, it starts.",
		Example:           "  FABRIC_CFG_PATH=/etc/hyperledger/fabric orderer",
		Args:              cobra.NoArgs,
		RunE:              start,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(
		&cobra.Command{
			Use: "start", Short: "Run an ordering node", Args: cobra.NoArgs, RunE: start,
			Long: "Run an ordering node, with the configuration in orderer.yaml, which is looked for in FABRIC_CFG_PATH. It stops on SIGINT and SIGTERM. " +
				"Every key of the file can be given as ORDERER_… in the environment.",
			Example: "  FABRIC_CFG_PATH=/etc/hyperledger/fabric orderer start",
		},
		version.Command("orderer"),
	)
	return root
}

func run(ctx context.Context, stderr io.Writer, env []string) error {
	logs, err := logging.FromEnv(stderr, env)
	if err != nil {
		return err
	}
	log := logs.Named("orderer.common.server")
	conf, notices, err := config.LoadOrderer(env)
	if err == nil {
		err = conf.Validate()
	}
	if err != nil {
		log.ErrorContext(ctx, "failed to parse config:  "+err.Error())
		return loggedError{err}
	}
	for _, n := range notices {
		logs.Named("config").InfoContext(ctx, n.String())
	}
	if err := node.RunOrderer(ctx, conf, logs); err != nil {
		log.ErrorContext(ctx, err.Error())
		return loggedError{err}
	}
	return nil
}
