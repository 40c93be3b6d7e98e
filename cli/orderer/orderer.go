// Package orderer is the orderer command: an ordering node.
package orderer

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/node"
	"github.com/heddleledger/heddle/version"
)

// Run executes the orderer command with args and returns the exit status. Without a verb it starts the node, as Fabric's does.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, env []string) int {
	start := func(cmd *cobra.Command, _ []string) error {
		cmd.SilenceUsage = true
		return run(cmd.Context(), stderr, env)
	}
	root := &cobra.Command{
		Use:               "orderer",
		Short:             "An ordering node: start|version",
		Args:              cobra.NoArgs,
		RunE:              start,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	root.AddCommand(
		&cobra.Command{
			Use: "start", Short: "Start the orderer node", Args: cobra.NoArgs, RunE: start,
			Long:    "Start the orderer node. It stops on SIGINT and SIGTERM.",
			Example: "  FABRIC_CFG_PATH=/etc/hyperledger/fabric orderer start",
		},
		&cobra.Command{
			Use: "version", Short: "Show version information", Args: cobra.NoArgs, Example: "  orderer version",
			Run: func(cmd *cobra.Command, _ []string) { cmd.Print(version.Text("orderer")) },
		},
	)
	if err := root.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

func run(ctx context.Context, stderr io.Writer, env []string) error {
	conf, notices, err := config.LoadOrderer(env)
	if err != nil {
		return err
	}
	if err := conf.Validate(); err != nil {
		return err
	}
	logs, err := logging.FromEnv(stderr, env)
	if err != nil {
		return err
	}
	for _, n := range notices {
		logs.Named("config").Info(n.String())
	}
	return node.RunOrderer(ctx, conf, logs)
}
