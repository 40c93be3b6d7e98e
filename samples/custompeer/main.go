// Command custompeer is heddle with plugins of its own, as an example of a custom build:
//
//	go build -o heddle-custom ./samples/custompeer
//
// It is used like heddle, and adds one handler of each kind. To a core.yaml that names them, so:
//
//	peer:
//	  handlers:
//	    authFilters: [{name: DefaultAuth}, {name: ExpirationCheck}, {name: Blocklist}]
//	    decorators: [{name: Author}]
//	    endorsers: {escc: {name: DefaultEndorsement}, audited: {name: Audited}}
//	    validators: {vscc: {name: DefaultValidation}, appendonly: {name: AppendOnly}}
//
// the chaincode samples/_gopath/src/example.com/notes is instantiated with -E audited -V appendonly.
package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/heddleledger/heddle/cli"
	"github.com/heddleledger/heddle/plugin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), Plugins: plugin.Registry{
		AuthFilters:  map[string]plugin.AuthFilter{"Blocklist": blocklist(strings.Fields(os.Getenv("CUSTOMPEER_BLOCKED")))},
		Decorators:   map[string]plugin.Decorator{"Author": author{}},
		Endorsements: map[string]plugin.Endorsement{"Audited": audited{os.Stderr}},
		Validations:  map[string]plugin.Validation{"AppendOnly": appendOnly{}},
	}})
	stop()
	os.Exit(code)
}
