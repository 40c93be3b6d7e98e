// Package cli is what people type. It picks the tool; each tool is a package below this one.
package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/cli/bench"
	"github.com/heddleledger/heddle/cli/configtxgen"
	"github.com/heddleledger/heddle/cli/configtxlator"
	"github.com/heddleledger/heddle/cli/cryptogen"
	"github.com/heddleledger/heddle/cli/images"
	"github.com/heddleledger/heddle/cli/network"
	"github.com/heddleledger/heddle/cli/orderer"
	"github.com/heddleledger/heddle/cli/peer"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/version"
)

// IO is what a process has from its surroundings and its binary.
type IO struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            []string        // "KEY=value"
	Plugins        plugin.Registry // what the binary adds to peers
}

// tool runs one command with its arguments and returns the exit status.
type tool func(ctx context.Context, args []string, io IO) int

// fabricTools are the commands that a binary of their name is.
func fabricTools() map[string]tool {
	return map[string]tool{
		"peer": func(ctx context.Context, args []string, io IO) int {
			return peer.Run(ctx, args, peer.IO{Stdout: io.Stdout, Stderr: io.Stderr, Env: io.Env, Plugins: io.Plugins})
		},
		"orderer": func(ctx context.Context, args []string, io IO) int {
			return orderer.Run(ctx, args, io.Stdout, io.Stderr, io.Env)
		},
		"cryptogen": func(ctx context.Context, args []string, io IO) int {
			return cryptogen.Run(ctx, args, io.Stdout, io.Stderr)
		},
		"configtxgen": func(ctx context.Context, args []string, io IO) int {
			return configtxgen.Run(ctx, args, io.Stdout, io.Stderr, io.Env)
		},
		"configtxlator": func(ctx context.Context, args []string, io IO) int {
			return configtxlator.Run(ctx, args, io.Stdin, io.Stdout, io.Stderr)
		},
	}
}

// ownTools are the commands of heddle itself.
func ownTools() map[string]tool {
	return map[string]tool{
		"demo": func(ctx context.Context, args []string, io IO) int {
			return network.Demo(ctx, args, io.Stdout, io.Stderr)
		},
		"up": func(ctx context.Context, args []string, io IO) int {
			return network.Up(ctx, args, io.Stdout, io.Stderr)
		},
		"bench": func(ctx context.Context, args []string, io IO) int {
			return bench.Run(ctx, args, io.Stdout, io.Stderr)
		},
		"images": func(ctx context.Context, args []string, io IO) int {
			return images.Run(ctx, args, io.Stdout, io.Stderr, io.Env)
		},
		confine.Verb: func(_ context.Context, args []string, io IO) int { // how a peer starts chaincode; of no use by hand
			return confine.Exec(args, io.Stderr)
		},
		"version": showVersion,
		"help":    showHelp,
		"-h":      showHelp,
		"--help":  showHelp,
	}
}

const help = `Heddle is a Hyperledger-Fabric-compatible peer, ordering service, chaincode runtime and tool set in one binary.

Usage:
  heddle <command> [arguments]

See it work:
  demo           run a network, a chaincode and some transactions in a temporary directory
  up             run a network until Ctrl-C, and resume it when run again

Fabric's tools (also when the binary is started under the tool's name):
  peer           a peer node; channels and chaincode
  orderer        an ordering node
  cryptogen      keys and certificates for a test network
  configtxgen    genesis blocks and channel transactions
  configtxlator  configuration as JSON, and updates of it

  bench          put a load on a network and measure it
  images         container images that chaincode is built and run with
  version        show version information

"heddle <command> --help" tells more about a command.
`

// Run executes the tool that args name, args[0] being the name the binary was started under, and returns the exit status.
func Run(ctx context.Context, args []string, io IO) int {
	fabric, own := fabricTools(), ownTools()
	if run, ok := fabric[filepath.Base(args[0])]; ok {
		return run(ctx, args[1:], io)
	}
	if len(args) == 1 {
		return showHelp(ctx, nil, io)
	}
	for _, tools := range []map[string]tool{fabric, own} {
		if run, ok := tools[args[1]]; ok {
			return run(ctx, args[2:], io)
		}
	}
	fmt.Fprintf(io.Stderr, "heddle: unknown command %q\n\n%s", args[1], help)
	return 2
}

func showHelp(_ context.Context, _ []string, io IO) int {
	fmt.Fprint(io.Stdout, help)
	return 0
}

func showVersion(_ context.Context, _ []string, io IO) int {
	fmt.Fprint(io.Stdout, version.Text("heddle"))
	return 0
}
