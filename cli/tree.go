package cli

import (
	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/cli/bench"
	"github.com/heddleledger/heddle/cli/configtxgen"
	"github.com/heddleledger/heddle/cli/configtxlator"
	"github.com/heddleledger/heddle/cli/cryptogen"
	"github.com/heddleledger/heddle/cli/images"
	"github.com/heddleledger/heddle/cli/network"
	"github.com/heddleledger/heddle/cli/orderer"
	"github.com/heddleledger/heddle/cli/peer"
	"github.com/heddleledger/heddle/version"
)

// The groups of heddle's commands.
const (
	forStart  = "start"
	forFabric = "fabric"
	forMore   = "more"
)

// newTree is all commands as one tree. Run executes from it what is not a tool's; the tools' parts are there to be described.
func newTree(io IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "heddle",
		Short: "Heddle is a Hyperledger-Fabric-compatible peer, ordering service, chaincode runtime and tool set in one binary",
		Long: `Heddle is a Hyperledger-Fabric-compatible peer, ordering service, chaincode runtime and tool set in one binary.

Fabric's tools are also what the binary is when it is started under a tool's name.`,
		Example:       "  heddle demo\n  heddle up --dir ./network\n  heddle peer channel list",
		Args:          cobra.NoArgs,
		Run:           func(cmd *cobra.Command, _ []string) { _ = cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(io.Stdout)
	root.SetErr(io.Stderr)
	for _, group := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{forStart, "See it work:", []*cobra.Command{network.NewDemo(), network.NewUp()}},
		{forFabric, "Fabric's tools:", newFabricTrees(io)},
		{forMore, "More:", []*cobra.Command{bench.New(), images.New(io.Env), newMan(io), version.Command("heddle")}},
	} {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, c := range group.commands {
			c.GroupID = group.id
			root.AddCommand(c)
		}
	}
	root.SetHelpCommandGroupID(forMore)
	root.SetCompletionCommandGroupID(forMore)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "Write the script by which a shell completes commands"
			c.Long = `Write the script by which a shell completes heddle's commands, flags and some values. Fabric's tools under their own names have this command
too, as in: peer completion bash.`
			c.Example = "  source <(heddle completion bash)"
		}
	}
	return root
}

// newFabricTrees describe the tools that have names of their own.
func newFabricTrees(io IO) []*cobra.Command {
	return []*cobra.Command{
		peer.New(peerIO(io)), orderer.New(io.Stderr, io.Env), cryptogen.New(), configtxgen.New(), configtxlator.New(),
	}
}
