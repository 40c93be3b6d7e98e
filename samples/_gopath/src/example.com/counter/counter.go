// Command counter is the smallest chaincode that reads and writes: it counts by name. Written against the 2.x shim.
//
//	add name n
//	get name
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/shim"
	"github.com/hyperledger/fabric-protos-go/peer"
)

type counter struct{}

func (counter) Init(shim.ChaincodeStubInterface) peer.Response { return shim.Success(nil) }

func (counter) Invoke(stub shim.ChaincodeStubInterface) peer.Response {
	args := stub.GetStringArgs()
	if len(args) < 2 {
		return shim.Error("want add name n, or get name")
	}
	b, err := stub.GetState(args[1])
	if err != nil {
		return shim.Error(err.Error())
	}
	n := 0
	if b != nil {
		if n, err = strconv.Atoi(string(b)); err != nil {
			return shim.Error(err.Error())
		}
	}
	switch {
	case args[0] == "get":
	case args[0] == "add" && len(args) == 3:
		d, err := strconv.Atoi(args[2])
		if err != nil {
			return shim.Error(err.Error())
		}
		n += d
		if err := stub.PutState(args[1], []byte(strconv.Itoa(n))); err != nil {
			return shim.Error(err.Error())
		}
	default:
		return shim.Error("want add name n, or get name")
	}
	return shim.Success([]byte(strconv.Itoa(n)))
}

func main() {
	if err := shim.Start(counter{}); err != nil {
		fmt.Fprintln(os.Stderr, "counter chaincode stopped:", err)
		os.Exit(1)
	}
}
