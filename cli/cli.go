// Package cli is what people type. It picks the tool; each tool is a package below this one.
//
// A tool describes its commands as a tree (New) and runs one of them (Run) with the exit codes and the way of telling errors that the tool
// has in Fabric. The trees together are heddle's own: its help, the completion of shells and the manual pages are made from them.
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
			return peer.Run(ctx, args, peerIO(io))
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

func peerIO(io IO) peer.IO {
	return peer.IO{Stdout: io.Stdout, Stderr: io.Stderr, Env: io.Env, Plugins: io.Plugins}
}

// ownTools are the commands of heddle itself, but for the few that its tree runs.
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
	}
}

// Run executes the tool that args name, args[0] being the name the binary was started under, and returns the exit status.
func Run(ctx context.Context, args []string, io IO) int {
	fabric := fabricTools()
	if run, ok := fabric[filepath.Base(args[0])]; ok {
		return run(ctx, args[1:], io)
	}
	if len(args) > 1 {
		for _, tools := range []map[string]tool{fabric, ownTools()} {
			if run, ok := tools[args[1]]; ok {
				return run(ctx, args[2:], io)
			}
		}
	}
	root := newTree(io)
	root.SetArgs(args[1:])
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(io.Stderr, "heddle: %s\n\n%s", err, root.UsageString())
		return 2
	}
	return 0
}
