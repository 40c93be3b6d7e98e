// Command kv is the chaincode that the odd requests call. It answers as the one did that Fabric's answers were taken with.
//
//	put key value
//	get key
package main

import (
	"fmt"
	"os"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	"github.com/hyperledger/fabric/protos/peer"
)

type kv struct{}

func (kv) Init(shim.ChaincodeStubInterface) peer.Response { return shim.Success(nil) }

func (kv) Invoke(stub shim.ChaincodeStubInterface) peer.Response {
	args := stub.GetStringArgs()
	switch {
	case len(args) == 0:
		return shim.Error("no args")
	case args[0] == "put" && len(args) == 3:
		if err := stub.PutState(args[1], []byte(args[2])); err != nil {
			return shim.Error(err.Error())
		}
		return shim.Success(nil)
	case args[0] == "get" && len(args) == 2:
		value, err := stub.GetState(args[1])
		if err != nil {
			return shim.Error(err.Error())
		}
		return shim.Success(value)
	}
	return shim.Error("unknown function " + args[0])
}

func main() {
	if err := shim.Start(kv{}); err != nil {
		fmt.Fprintln(os.Stderr, "kv chaincode stopped:", err)
		os.Exit(1)
	}
}
