package chaincode_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/shim"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// accounts is chaincode as people write it.
type accounts struct{}

func (accounts) Init(stub shim.ChaincodeStubInterface) peerpb.Response {
	return respond(nil, stub.PutState("opened", []byte("yes")))
}

func (accounts) Invoke(stub shim.ChaincodeStubInterface) peerpb.Response {
	function, args := stub.GetFunctionAndParameters()
	switch function {
	case "get":
		return respond(stub.GetState(args[0]))
	case "count":
		it, err := stub.GetStateByRange("", "")
		if err != nil {
			return shim.Error(err.Error())
		}
		defer it.Close()
		n := byte(0)
		for ; it.HasNext(); n++ {
			if _, err := it.Next(); err != nil {
				return shim.Error(err.Error())
			}
		}
		return shim.Success([]byte{n})
	}
	return shim.Error("unknown function")
}

func respond(b []byte, err error) peerpb.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(b)
}

// TestShimInProcess runs chaincode on the shim within the peer.
func TestShimInProcess(t *testing.T) {
	r := &runtime.InProcess{Chaincodes: map[string]func(string, runtime.ClientStream) error{
		"accounts": func(id string, s runtime.ClientStream) error { return shim.StartInProc(id, s, accounts{}) },
	}}
	p := newPeer(t, func(o *chaincode.Options) { o.Runtime = r })
	r.Serve = p.Serve
	p.define(channel, "accounts", "1.0", "none")
	c := p.call("accounts")
	c.Init = true
	p.begin(c, channel)
	_, _, err := p.Invoke(t.Context(), c)
	require.NoError(t, err)
	p.commit(c)
	for i := range 149 {
		p.put(channel, "accounts", string(rune('0'+i)), []byte("x"))
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			r, err := p.invoke(t.Context(), "accounts", "get", "opened")
			require.NoError(t, err)
			require.Equal(t, "yes", string(r.Payload))
			r, err = p.invoke(t.Context(), "accounts", "count")
			require.NoError(t, err)
			require.Equal(t, []byte{150}, r.Payload)
		})
	}
	wg.Wait()
}
