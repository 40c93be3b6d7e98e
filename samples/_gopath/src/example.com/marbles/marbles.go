// Command marbles is a chaincode in the manner of 1.4's well-known sample: marbles of a colour and a size that change hands, one by one or a whole
// colour at once.
//
//	create name color size owner
//	read name
//	transfer name owner
//	transferColor color owner
//	delete name
//	query start end
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/golang/protobuf/ptypes"
	"github.com/hyperledger/fabric/core/chaincode/shim"
	"github.com/hyperledger/fabric/protos/peer"
)

const colorIndex = "color~name"

type marble struct {
	Name    string `json:"name"`
	Color   string `json:"color"`
	Size    int    `json:"size"`
	Owner   string `json:"owner"`
	Changed string `json:"changed"` // RFC 3339, from the transaction
}

type marbles struct{}

func (m *marbles) Init(shim.ChaincodeStubInterface) peer.Response {
	return shim.Success(nil)
}

func (m *marbles) Invoke(stub shim.ChaincodeStubInterface) peer.Response {
	function, args := stub.GetFunctionAndParameters()
	var payload []byte
	var err error
	switch {
	case function == "create" && len(args) == 4:
		err = m.create(stub, args[0], args[1], args[2], args[3])
	case function == "read" && len(args) == 1:
		payload, err = stub.GetState(args[0])
		if err == nil && payload == nil {
			err = fmt.Errorf("marble does not exist: %s", args[0])
		}
	case function == "transfer" && len(args) == 2:
		err = m.transfer(stub, args[0], args[1])
	case function == "transferColor" && len(args) == 2:
		payload, err = m.transferColor(stub, args[0], args[1])
	case function == "delete" && len(args) == 1:
		err = m.remove(stub, args[0])
	case function == "query" && len(args) == 2:
		payload, err = m.query(stub, args[0], args[1])
	default:
		err = fmt.Errorf("no function %s with %d arguments", function, len(args))
	}
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

func (m *marbles) create(stub shim.ChaincodeStubInterface, name, color, size, owner string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return fmt.Errorf("size must be a number: %s", err)
	}
	if existing, err := stub.GetState(name); err != nil || existing != nil {
		return fmt.Errorf("this marble already exists: %s", name)
	}
	key, err := stub.CreateCompositeKey(colorIndex, []string{strings.ToLower(color), name})
	if err != nil {
		return err
	}
	if err := stub.PutState(key, []byte{0}); err != nil {
		return err
	}
	return store(stub, &marble{Name: name, Color: strings.ToLower(color), Size: n, Owner: owner})
}

func (m *marbles) transfer(stub shim.ChaincodeStubInterface, name, owner string) error {
	one, err := load(stub, name)
	if err != nil {
		return err
	}
	one.Owner = owner
	return store(stub, one)
}

func (m *marbles) transferColor(stub shim.ChaincodeStubInterface, color, owner string) ([]byte, error) {
	it, err := stub.GetStateByPartialCompositeKey(colorIndex, []string{strings.ToLower(color)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	n := 0
	for ; it.HasNext(); n++ {
		kv, err := it.Next()
		if err != nil {
			return nil, err
		}
		_, parts, err := stub.SplitCompositeKey(kv.Key)
		if err != nil {
			return nil, err
		}
		if err := m.transfer(stub, parts[1], owner); err != nil {
			return nil, err
		}
	}
	return []byte(strconv.Itoa(n)), nil
}

func (m *marbles) remove(stub shim.ChaincodeStubInterface, name string) error {
	one, err := load(stub, name)
	if err != nil {
		return err
	}
	key, err := stub.CreateCompositeKey(colorIndex, []string{one.Color, name})
	if err != nil {
		return err
	}
	if err := stub.DelState(key); err != nil {
		return err
	}
	return stub.DelState(name)
}

func (m *marbles) query(stub shim.ChaincodeStubInterface, start, end string) ([]byte, error) {
	it, err := stub.GetStateByRange(start, end)
	if err != nil {
		return nil, err
	}
	defer it.Close()
	found := []json.RawMessage{}
	for it.HasNext() {
		kv, err := it.Next()
		if err != nil {
			return nil, err
		}
		found = append(found, kv.Value)
	}
	return json.Marshal(found)
}

func load(stub shim.ChaincodeStubInterface, name string) (*marble, error) {
	b, err := stub.GetState(name)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fmt.Errorf("marble does not exist: %s", name)
	}
	one := &marble{}
	return one, json.Unmarshal(b, one)
}

func store(stub shim.ChaincodeStubInterface, one *marble) error {
	now, err := stub.GetTxTimestamp()
	if err != nil {
		return err
	}
	one.Changed = ptypes.TimestampString(now)
	b, err := json.Marshal(one)
	if err != nil {
		return err
	}
	return stub.PutState(one.Name, b)
}

func main() {
	if err := shim.Start(new(marbles)); err != nil {
		fmt.Fprintln(os.Stderr, "marbles chaincode stopped:", err)
		os.Exit(1)
	}
}
