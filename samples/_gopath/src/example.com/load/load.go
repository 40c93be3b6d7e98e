// Command load is the chaincode of load generators: it reads and writes what it is told to. Written against 1.4's shim.
//
//	rw reads writes value
//
// reads and writes are lists of keys, separated by commas and perhaps empty. Each key of writes is set to value.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	"github.com/hyperledger/fabric/protos/peer"
)

type load struct{}

func (load) Init(shim.ChaincodeStubInterface) peer.Response { return shim.Success(nil) }

func (load) Invoke(stub shim.ChaincodeStubInterface) peer.Response {
	args := stub.GetArgs()
	if len(args) != 4 || string(args[0]) != "rw" {
		return shim.Error("want rw reads writes value")
	}
	for _, key := range keys(args[1]) {
		if _, err := stub.GetState(key); err != nil {
			return shim.Error(err.Error())
		}
	}
	for _, key := range keys(args[2]) {
		if err := stub.PutState(key, args[3]); err != nil {
			return shim.Error(err.Error())
		}
	}
	return shim.Success(nil)
}

func keys(list []byte) []string {
	if len(list) == 0 {
		return nil
	}
	return strings.Split(string(list), ",")
}

func main() {
	if err := shim.Start(load{}); err != nil {
		fmt.Fprintln(os.Stderr, "load chaincode stopped:", err)
		os.Exit(1)
	}
}
