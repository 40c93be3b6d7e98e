package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/cli"
	"github.com/heddleledger/heddle/internal/vectors"
)

func TestMain(m *testing.M) {
	run := func() {
		os.Exit(cli.Run(context.Background(), os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ()}))
	}
	testscript.Main(m, map[string]func(){
		"heddle": run, "peer": run, "orderer": run, "cryptogen": run, "configtxgen": run, "configtxlator": run,
	})
}

// TestScripts runs the tools as a shell would, without a network. $VECTORS is what real Fabric 1.4 wrote.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("VECTORS", vectors.Path("fabric-1.4"))
			e.Setenv("FABRIC_CFG_PATH", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"jsoneq": compareJSON, "fingerprint": fingerprint,
		},
		RequireUniqueNames: true,
	})
}

// compareJSON is `jsoneq a b`: both files, or stdout, hold equal JSON.
func compareJSON(ts *testscript.TestScript, neg bool, args []string) {
	var values [2]any
	for i, name := range args {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &values[i]))
	}
	if equal := reflect.DeepEqual(values[0], values[1]); equal == neg {
		ts.Fatalf("%s and %s: equal JSON: %t", args[0], args[1], equal)
	}
}

// fingerprint is `fingerprint package`: prints what the package is, for stdout to look at.
func fingerprint(ts *testscript.TestScript, _ bool, args []string) {
	p, err := pack.Parse([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s %s %s\ncode %x\nmetadata %x\nsignatures %x\nid %x\n",
		p.Name, p.Version, p.Path, p.CodeHash, p.MetaDataHash, p.SignatureHash, p.ID)
}
