// Package peer is the peer command: a peer node, and the tools that operate channels and chaincode on one.
//
// There is one file per verb. A verb reads its flags, opens what it needs of the session (identity, peers, orderer) and calls package
// client; flags, output and exit codes are those of Fabric 1.4, so that scripts written for it keep working.
//
// What a command has to say goes to standard output, everything else to standard error: log lines, "Error: …", and the usage where the
// command line itself was wrong. The exit code is 0, or 1 for any failure. Configuration and identity are read before a command looks at
// its flags; failures there are log lines without "Error:", as in 1.4. Flags are checked before anything is connected.
package peer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/plugin"
)

// IO is where a command writes and what it sees of its surroundings.
type IO struct {
	Stdout, Stderr io.Writer
	Env            []string        // "KEY=value"
	Plugins        plugin.Registry // what the binary adds to the peer
}

// Run executes the peer command with args and returns the exit status.
func Run(ctx context.Context, args []string, io IO) int {
	root := New(io)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintln(io.Stderr, cmd.UsageString())
	}
	return 1
}

// New is the command tree.
func New(io IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "peer",
		Short: "Operate a peer: node|channel|chaincode|tx|logging|version",
		Long: `Run a peer, and operate channels and chaincode on one.

Configuration is read from core.yaml, which is looked for in FABRIC_CFG_PATH; every key of it can be given as CORE_… in the environment.
Three of them say who acts, and on which peer: CORE_PEER_LOCALMSPID, CORE_PEER_MSPCONFIGPATH and CORE_PEER_ADDRESS; with TLS,
CORE_PEER_TLS_ENABLED and CORE_PEER_TLS_ROOTCERT_FILE are needed too.`,
		Example:           "  peer node start\n  peer channel join -b mychannel.block\n  peer chaincode query -C mychannel -n mycc -c '{\"Args\":[\"get\",\"k\"]}'",
		SilenceUsage:      true, // Run shows it, on standard error
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetOut(io.Stdout)
	root.SetErr(io.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().String(oldLevelFlag, "", "Legacy logging level flag")
	_ = root.PersistentFlags().MarkHidden(oldLevelFlag)
	root.AddCommand(newChannel(io), newChaincode(io), newTx(io), newNode(io), newLogging(io), newVersion())
	return root
}

// usageError is an error of the command line: the command's usage is shown after it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
