// Package peer is the peer command: a peer node, and the tools that operate channels and chaincode on one.
//
// There is one file per verb. A verb reads its flags into a struct of its own, opens what it needs of the session (identity, peers,
// orderer) and calls package client; flags, output and exit codes are those of Fabric 1.4, so that scripts written for it keep working.
package peer

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// IO is where a command writes and what it sees of its surroundings.
type IO struct {
	Stdout, Stderr io.Writer
	Env            []string // "KEY=value"
}

// Run executes the peer command with args and returns the exit status.
func Run(ctx context.Context, args []string, io IO) int {
	root := New(io)
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

// New is the command tree.
func New(io IO) *cobra.Command {
	root := &cobra.Command{
		Use:               "peer",
		Short:             "Operate a peer: node|channel|chaincode|version",
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetOut(io.Stdout)
	root.SetErr(io.Stderr)
	root.AddCommand(newChannel(io), newChaincode(io), newNode(io), newVersion())
	return root
}

// verb makes RunE of a function: usage is shown only after a usageError.
func verb(run func(cmd *cobra.Command, args []string) error) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var usage usageError
		cmd.SilenceUsage = !errors.As(err, &usage)
		return err
	}
}
