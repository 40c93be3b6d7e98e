// Command asset is a chaincode that keeps assets with an owner and a value. What it can do is in package contract.
package main

import (
	"fmt"
	"os"

	"github.com/hyperledger/fabric/core/chaincode/shim"

	"example.com/asset/contract"
)

func main() {
	if err := shim.Start(new(contract.Contract)); err != nil {
		fmt.Fprintln(os.Stderr, "asset chaincode stopped:", err)
		os.Exit(1)
	}
}
