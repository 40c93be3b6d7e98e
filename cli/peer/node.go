package peer

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/node"
)

func newNode(io IO) *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "Operate a peer node: start."}
	cmd.AddCommand(newNodeStart(io))
	return cmd
}

func newNodeStart(io IO) *cobra.Command {
	var devMode bool
	cmd := &cobra.Command{
		Use:     "start",
		Short:   "Starts the node.",
		Long:    "Starts a node that interacts with the network. It stops on SIGINT and SIGTERM.",
		Example: "  FABRIC_CFG_PATH=/etc/hyperledger/fabric peer node start",
		RunE: verb(func(cmd *cobra.Command, args []string) error {
			if len(args) != 0 {
				return usageError{fmt.Errorf("trailing args detected")}
			}
			logs, err := logging.FromEnv(io.Stderr, io.Env)
			if err != nil {
				return err
			}
			core, notices, err := config.LoadCore(io.Env)
			if err != nil {
				return err
			}
			if devMode {
				core.Chaincode.Mode = "dev"
			}
			if err := core.Validate(); err != nil {
				return err
			}
			for _, n := range notices {
				logs.Named("config").Info(n.String())
			}
			return node.RunPeer(cmd.Context(), core, logs)
		}),
	}
	cmd.Flags().BoolVar(&devMode, "peer-chaincodedev", false, "Whether peer in chaincode development mode")
	return cmd
}
