// Command asset2 is version 2 of the chaincode asset, for upgrades: it keeps all that asset can do and adds
//
//	version                 "2"
//	appraise id value       changes the value of an asset; event "appraise"
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	pb "github.com/hyperledger/fabric/protos/peer"

	"example.com/asset/contract"
)

type chaincode struct{ contract.Contract }

// Invoke runs the new functions and leaves the others to version 1.
func (c *chaincode) Invoke(stub shim.ChaincodeStubInterface) pb.Response {
	switch name, args := stub.GetFunctionAndParameters(); name {
	case "version":
		return shim.Success([]byte("2"))
	case "appraise":
		return c.appraise(stub, args)
	}
	return c.Contract.Invoke(stub)
}

func (c *chaincode) appraise(stub shim.ChaincodeStubInterface, args []string) pb.Response {
	if len(args) != 2 {
		return shim.Error("appraise takes an id and a value")
	}
	b, err := stub.GetState(args[0])
	if err != nil {
		return shim.Error(err.Error())
	}
	if b == nil {
		return shim.Error("asset " + args[0] + " does not exist")
	}
	var asset contract.Asset
	if err := json.Unmarshal(b, &asset); err != nil {
		return shim.Error(err.Error())
	}
	if asset.Value, err = strconv.Atoi(args[1]); err != nil {
		return shim.Error(err.Error())
	}
	if b, err = json.Marshal(asset); err != nil {
		return shim.Error(err.Error())
	}
	if err := stub.PutState(asset.ID, b); err != nil {
		return shim.Error(err.Error())
	}
	if err := stub.SetEvent("appraise", b); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(b)
}

func main() {
	if err := shim.Start(new(chaincode)); err != nil {
		fmt.Fprintln(os.Stderr, "asset chaincode stopped:", err)
		os.Exit(1)
	}
}
