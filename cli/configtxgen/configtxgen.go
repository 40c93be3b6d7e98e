// Package configtxgen is the configtxgen command: genesis blocks, channel creation and anchor peer transactions from configtx.yaml, and a
// look at what is in them.
//
// Flags, their order of execution, log lines and exit codes are those of Fabric 1.4: 0 when all went well, 1 when something failed, 2 for a
// flag that does not exist. Where Fabric's ends in a Go panic, this one logs the same text and exits with 1.
package configtxgen

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/channelconfig/profile"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/version"
)

// options are the command's flags.
type options struct {
	profile, baseProfile, configPath, channelID string
	outputBlock, outputChannelTx, outputAnchors string
	asOrg                                       string
	inspectBlock, inspectChannelTx, printOrg    string
	version                                     bool
}

func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("configtxgen", flag.ContinueOnError)
	f.StringVar(&o.outputBlock, "outputBlock", "", "The path to write the genesis block to (if set)")
	f.StringVar(&o.channelID, "channelID", "", "The channel ID to use in the configtx")
	f.StringVar(&o.outputChannelTx, "outputCreateChannelTx", "", "The path to write a channel creation configtx to (if set)")
	f.StringVar(&o.baseProfile, "channelCreateTxBaseProfile", "", "The profile that describes the orderer system channel, for channel creation requests that change more than the application section. Only valid with 'outputCreateChannelTx'.")
	f.StringVar(&o.profile, "profile", "SampleInsecureSolo", "The profile from configtx.yaml to use for generation.")
	f.StringVar(&o.configPath, "configPath", "", "The path containing the configuration to use (if set)")
	f.StringVar(&o.inspectBlock, "inspectBlock", "", "Prints the configuration contained in the block at the specified path")
	f.StringVar(&o.inspectChannelTx, "inspectChannelCreateTx", "", "Prints the configuration contained in the transaction at the specified path")
	f.StringVar(&o.outputAnchors, "outputAnchorPeersUpdate", "", "The path to write an update of an organization's anchor peers to (only for the first update of a channel made from the same profile)")
	f.StringVar(&o.asOrg, "asOrg", "", "The organization, by name, whose anchor peers 'outputAnchorPeersUpdate' sets")
	f.StringVar(&o.printOrg, "printOrg", "", "Prints the definition of an organization as JSON. (useful for adding an org to a channel manually)")
	f.BoolVar(&o.version, "version", false, "Show version information")
	return f
}

// outputs tells whether anything is to be made from a profile.
func (o *options) outputs() bool {
	return o.outputBlock != "" || o.outputChannelTx != "" || o.outputAnchors != ""
}

// defaultChannel is the channel of Fabric's tools when none is given.
const defaultChannel = "testchainid"

// command is one run of the tool.
type command struct {
	options
	out io.Writer
	env []string
	log *slog.Logger
	// loader logs what reading configtx.yaml has to say.
	loader *slog.Logger

	top           *profile.TopLevel
	made          *profile.Profile // the profile that outputs are made from; nil without outputs
	systemChannel *profile.Profile // nil without -channelCreateTxBaseProfile
}

// Run executes the configtxgen command with args and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, env []string) int {
	if len(args) > 0 && slices.Contains([]string{"completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}, args[0]) {
		return complete(ctx, args, stdout, stderr)
	}
	logs, err := logging.FromEnv(stderr, env)
	if err != nil {
		fmt.Fprintln(stderr, "configtxgen:", err)
		return 1
	}
	c := &command{out: stdout, env: env, log: logs.Named("common.tools.configtxgen"), loader: logs.Named("common.tools.configtxgen.localconfig")}
	flags := c.flags()
	flags.SetOutput(stderr)
	flags.Usage = func() {
		about := New()
		fmt.Fprintf(stderr, "%s\n\nUsage of configtxgen:\n", about.Long)
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "\nExamples:\n%s\n", about.Example)
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	return c.run(ctx)
}

// complete answers the shell, or tells it how to ask.
func complete(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := New()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

// New describes the command, whose flags take one dash as well as two, for help, completion and manuals.
func New() *cobra.Command {
	flags := (&options{}).flags()
	cmd := &cobra.Command{
		Use:   "configtxgen",
		Short: "Genesis blocks, channel creation and anchor peer transactions from configtx.yaml",
		Long: `Make genesis blocks, and the transactions that create a channel and set its anchor peers, from the profiles in configtx.yaml, and look at
what is in them. configtx.yaml is looked for in FABRIC_CFG_PATH or -configPath. Flags take one dash or two.`,
		Example: `  configtxgen -profile Genesis -channelID syschannel -outputBlock genesis.block
  configtxgen -profile Channel -channelID mychannel -outputCreateChannelTx mychannel.tx
  configtxgen -profile Channel -channelID mychannel -outputAnchorPeersUpdate anchors.tx -asOrg Org1MSP
  configtxgen -inspectBlock genesis.block`,
		DisableFlagParsing: true, // Run parses them
		Run:                func(*cobra.Command, []string) {},
		ValidArgsFunction: func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if strings.HasPrefix(begun, "-") {
				flags.VisitAll(func(f *flag.Flag) { names = append(names, "-"+f.Name+"\t"+f.Usage) })
				return names, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	cmd.Flags().AddGoFlagSet(flags)
	return cmd
}

func (c *command) run(ctx context.Context) int {
	if c.channelID == "" && c.outputs() {
		c.channelID = defaultChannel
		c.log.Warn("Omitting the channel ID for configtxgen for output operations is deprecated.  Explicitly passing the channel ID will be required in the future, defaulting to '" + defaultChannel + "'.")
	}
	if c.version {
		fmt.Fprint(c.out, version.Text("configtxgen"))
		return 0
	}
	c.log.Info("Loading configuration")
	if err := c.load(ctx); err != nil {
		c.log.Error(err.Error())
		return 1
	}
	for _, step := range []struct {
		argument, name string
		do             func() error
	}{
		{c.outputBlock, "outputBlock", c.writeBlock},
		{c.outputChannelTx, "outputChannelCreateTx", c.writeChannelTx},
		{c.inspectBlock, "inspectBlock", c.showBlock},
		{c.inspectChannelTx, "inspectChannelCreateTx", c.showChannelTx},
		{c.outputAnchors, "outputAnchorPeersUpdate", c.writeAnchors},
		{c.printOrg, "printOrg", c.showOrg},
	} {
		if step.argument == "" {
			continue
		}
		if err := step.do(); err != nil {
			c.log.Log(ctx, logging.FatalLevel, "Error on "+step.name+": "+err.Error())
			return 1
		}
	}
	return 0
}
