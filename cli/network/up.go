// Package network is the commands that run a whole network on this machine: up and demo.
package network

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/localnet"
)

// Up runs a network until ctx ends and returns the exit status.
func Up(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return run(ctx, NewUp(), args, stdout, stderr)
}

// NewUp is the command up.
func NewUp() *cobra.Command {
	var o localnet.Options
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run a network until Ctrl-C",
		Long: `Run a network on this machine until Ctrl-C: an orderer and two organisations with one peer each, with TLS between all of
them and a channel that both peers have joined. Everything it keeps is in one directory; run again, it goes on where it stopped.`,
		Example: "  heddle up --dir ./network",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return up(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "heddle-network", "Directory that holds the network; made if missing")
	cmd.Flags().StringVar(&o.Channel, "channel", "mychannel", "Name of the channel")
	cmd.Flags().StringVar(&o.Consensus, "consensus", "etcdraft", "How the orderer orders: etcdraft or solo")
	_ = cmd.RegisterFlagCompletionFunc("consensus", cobra.FixedCompletions([]string{"etcdraft", "solo"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagDirname("dir")
	cmd.Flags().BoolVar(&o.MutualTLS, "mutual-tls", false, "Require TLS certificates of clients too")
	cmd.Flags().BoolVar(&o.DevMode, "dev", false, "Start the peers in chaincode development mode")
	cmd.Flags().StringVar(&o.Debug, "debug", "", "Run the Go chaincode of this name under Delve (dlv), to attach to")
	cmd.Flags().BoolVar(&o.FreePorts, "free-ports", false, "Take free ports instead of Fabric's customary ones")
	cmd.Flags().DurationVar(&o.BatchTimeout, "batch-timeout", 500*time.Millisecond, "How long a transaction waits at most for its block to fill")
	return cmd
}

// run executes a command and returns the exit status.
func run(ctx context.Context, cmd *cobra.Command, args []string, stdout, stderr io.Writer) int {
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

func up(ctx context.Context, o localnet.Options, out io.Writer) error {
	n, err := localnet.Open(ctx, o)
	if err != nil {
		return err
	}
	if err := n.Start(ctx); err != nil {
		return err
	}
	err = n.CreateChannel(ctx)
	if err == nil {
		describe(n, o.Debug, out)
		err = n.Wait(ctx)
	}
	fmt.Fprintln(out, "Stopping …")
	if stop := n.Stop(); err == nil {
		err = stop
	}
	if ctx.Err() != nil && err == ctx.Err() {
		err = nil
	}
	if err == nil {
		fmt.Fprintf(out, "Stopped. Everything is in %s; run the same command to go on.\n", n.Dir)
	}
	return err
}

// describe tells a user where everything is and what to type.
func describe(n *localnet.Network, debugged string, out io.Writer) {
	fmt.Fprintf(out, "Network in %s, channel %s, %s\n\n", n.Dir, n.Channel, n.Consensus)
	fmt.Fprintf(out, "  %-24s %s, operations http://%s, log %s\n", n.Orderer.Name, n.Orderer.Address(), n.Orderer.OperationsAddress(), n.LogFile(n.Orderer))
	for _, o := range n.Orgs {
		fmt.Fprintf(out, "  %-24s %s, chaincode %s, operations http://%s, log %s\n",
			o.Peer.Name, o.Peer.Address(), o.Peer.ChaincodeAddress(), o.Peer.OperationsAddress(), n.LogFile(o.Peer))
	}
	if debugged != "" {
		fmt.Fprintf(out, "\nDebug chaincode %s as soon as an instantiate or invoke has started it; its invocations never time out. Delve names its files by\n"+
			"import path: tell it where yours are with config substitute-path example.com/%s /your/directory\n\n", debugged, debugged)
		for _, o := range n.Orgs {
			fmt.Fprintf(out, "  dlv connect %-20s %s\n", n.DebugAddress(o.Peer), o.Peer.Name)
		}
	}
	fmt.Fprint(out, "\nBecome somebody:\n\n")
	for _, i := range n.Identities() {
		fmt.Fprintf(out, "  source %s\n", n.EnvFile(i))
	}
	fmt.Fprintf(out, `
and then, for example:

  peer channel getinfo -c %s
  peer chaincode list --installed

Client libraries find a connection profile (in YAML too) and the same identities here; they must be told to work without discovery:

`, n.Channel)
	for _, o := range n.Orgs {
		fmt.Fprintf(out, "  profile %s\n", n.ProfileFile(o))
	}
	fmt.Fprintf(out, "  wallet  %s\n\nCtrl-C stops the network and loses nothing.\n", n.Wallet())
}
