// Command heddle is a Hyperledger-Fabric-compatible peer, ordering service, chaincode runtime and tool set in one binary.
//
// The tool is picked by the name the binary was started under (peer, orderer, cryptogen, configtxgen, configtxlator) or, under any other
// name, by the first argument.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/heddleledger/heddle/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ()})
	stop()
	os.Exit(code)
}
