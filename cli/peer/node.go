package peer

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/node"
)

func newNode(io IO) *cobra.Command {
	n := &base{io: io}
	cmd := &cobra.Command{
		Use:               "node",
		Short:             "Operate a peer node: start|status|reset|rollback",
		Long:              "Run a peer, ask whether it runs, or take its ledgers back to an earlier block while it does not run.",
		PersistentPreRunE: n.opener("nodeCmd"),
	}
	cmd.AddCommand(newNodeStart(n), newNodeStatus(n), newNodeReset(n), newNodeRollback(n))
	return cmd
}

func newNodeStart(n *base) *cobra.Command {
	var devMode bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Run a peer",
		Long: `Run a peer with the configuration in core.yaml. It stops on SIGINT and SIGTERM. With --peer-chaincodedev it starts no chaincode: it waits for
chaincode that is run by hand.`,
		Example: "  FABRIC_CFG_PATH=/etc/hyperledger/fabric peer node start",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 0 {
				return usageError{errors.New("trailing args detected")}
			}
			core := n.session.core
			if devMode {
				core.Chaincode.Mode = "dev"
			}
			if err := core.Validate(n.io.Plugins.Names()); err != nil {
				return err
			}
			log := n.session.logs.Named("config")
			for _, notice := range n.session.notices {
				log.InfoContext(cmd.Context(), notice.String())
			}
			return node.RunPeer(cmd.Context(), core, n.session.logs, n.io.Plugins)
		},
	}
	cmd.Flags().BoolVar(&devMode, "peer-chaincodedev", false, "Whether peer in chaincode development mode")
	return cmd
}
