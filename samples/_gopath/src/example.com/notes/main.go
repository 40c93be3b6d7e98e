// Command notes keeps notes with the name of their author, which a decorator of the peer must provide: see samples/custompeer.
//
//	put name text
//	get name
package main

import (
	"fmt"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/shim"
	"github.com/hyperledger/fabric-protos-go/peer"
)

type notes struct{}

func (notes) Init(shim.ChaincodeStubInterface) peer.Response { return shim.Success(nil) }

func (notes) Invoke(stub shim.ChaincodeStubInterface) peer.Response {
	switch args := stub.GetStringArgs(); {
	case len(args) == 3 && args[0] == "put":
		author, ok := stub.GetDecorations()["author"]
		if !ok {
			return shim.Error("the peer has no decorator that tells the author")
		}
		if err := stub.PutState(args[1], fmt.Appendf(nil, "%s (%s)", args[2], author)); err != nil {
			return shim.Error(err.Error())
		}
		return shim.Success(nil)
	case len(args) == 2 && args[0] == "get":
		note, err := stub.GetState(args[1])
		if err != nil {
			return shim.Error(err.Error())
		}
		return shim.Success(note)
	}
	return shim.Error("want put name text, or get name")
}

func main() {
	if err := shim.Start(notes{}); err != nil {
		fmt.Fprintln(os.Stderr, "notes chaincode stopped:", err)
		os.Exit(1)
	}
}
