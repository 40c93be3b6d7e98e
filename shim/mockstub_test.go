package shim

import (
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// kv is put, get and call.
var kv = invokeFunc(func(s ChaincodeStubInterface) pb.Response {
	f, a := s.GetFunctionAndParameters()
	switch f {
	case "put":
		if err := s.PutState(a[0], []byte(a[1])); err != nil {
			return Error(err.Error())
		}
		if err := s.SetEvent("put", []byte(a[0])); err != nil {
			return Error(err.Error())
		}
		return Success(nil)
	case "get":
		v, err := s.GetState(a[0])
		if err != nil {
			return Error(err.Error())
		}
		return Success(v)
	case "call":
		return s.InvokeChaincode(a[0], [][]byte{[]byte("get"), []byte(a[2])}, a[1])
	}
	return Error("unknown function")
})

func args(s ...string) [][]byte {
	var b [][]byte
	for _, a := range s {
		b = append(b, []byte(a))
	}
	return b
}

func TestMockStub(t *testing.T) {
	stub := NewMockStub("kv", kv)
	for _, k := range []string{"b", "a", "c", "a"} {
		r := stub.MockInvoke("tx", args("put", k, "v"+k))
		require.EqualValues(t, OK, r.Status, r.Message)
	}
	require.Equal(t, "va", string(stub.State["a"]))
	require.Equal(t, 3, stub.Keys.Len())
	require.Len(t, stub.ChaincodeEventsChannel, 4)
	require.Error(t, stub.PutState("x", []byte("y")), "outside a transaction")

	it, err := stub.GetStateByRange("a", "c")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, keysOf(t, it))
	require.NoError(t, it.Close())
	require.Error(t, it.Close())
	it, err = stub.GetStateByRange("", "")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, keysOf(t, it))
	it, err = stub.GetStateByRange("b", "")
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c"}, keysOf(t, it))

	page, md, err := stub.GetStateByRangeWithPagination("a", "d", 2, "")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, keysOf(t, page))
	require.Equal(t, "c", md.Bookmark)
	page, md, err = stub.GetStateByRangeWithPagination("a", "d", 2, md.Bookmark)
	require.NoError(t, err)
	require.Equal(t, []string{"c"}, keysOf(t, page))
	require.EqualValues(t, 1, md.FetchedRecordsCount)
	page, _, err = stub.GetStateByRangeWithPagination("x", "y", 2, "")
	require.NoError(t, err)
	require.False(t, page.HasNext())

	stub.MockTransactionStart("tx")
	require.NoError(t, stub.PutState("a", nil), "an empty value deletes")
	require.NoError(t, stub.DelState("nothing"))
	key, err := stub.CreateCompositeKey("t", []string{"x", "1"})
	require.NoError(t, err)
	require.NoError(t, stub.PutState(key, []byte{0}))
	require.NoError(t, stub.SetTransient(map[string][]byte{"k": []byte("v")}))
	stub.MockTransactionEnd("tx")
	require.NotContains(t, stub.State, "a")
	transient, err := stub.GetTransient()
	require.NoError(t, err)
	require.Equal(t, "v", string(transient["k"]))
	it, err = stub.GetStateByPartialCompositeKey("t", []string{"x"})
	require.NoError(t, err)
	require.Equal(t, []string{key}, keysOf(t, it))
	_, err = stub.GetHistoryForKey("a")
	require.Error(t, err)
}

func TestMockStubCallsOthers(t *testing.T) {
	one, two := NewMockStub("one", kv), NewMockStub("two", kv)
	two.MockInvoke("tx", args("put", "k", "from two"))
	one.MockPeerChaincode("two/ch", two) // as in 1.4
	one.MockPeerChaincode("second", two, "ch")
	for _, name := range []string{"two", "second"} {
		r := one.MockInvoke("tx", args("call", name, "ch", "k"))
		require.Equal(t, "from two", string(r.Payload))
	}
	r := one.MockInvoke("tx", args("call", "three", "", "k"))
	require.Contains(t, r.Message, "knows no chaincode three")
}

func TestMockStubPrivateData(t *testing.T) {
	stub := NewMockStub("kv", kv)
	for _, k := range []string{"b", "a"} {
		require.NoError(t, stub.PutPrivateData("c", k, []byte("v"+k)))
	}
	it, err := stub.GetPrivateDataByRange("c", "a", "z")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, keysOf(t, it))
	h, err := stub.GetPrivateDataHash("c", "a")
	require.NoError(t, err)
	require.Len(t, h, 32)
	require.NoError(t, stub.DelPrivateData("c", "a"))
	v, err := stub.GetPrivateData("c", "a")
	require.NoError(t, err)
	require.Nil(t, v)
	require.NoError(t, stub.SetStateValidationParameter("k", []byte("p")))
	v, err = stub.GetStateValidationParameter("k")
	require.NoError(t, err)
	require.Equal(t, "p", string(v))
}

func keysOf(t *testing.T, it StateQueryIteratorInterface) []string {
	t.Helper()
	keys := []string{}
	for it.HasNext() {
		kv, err := it.Next()
		require.NoError(t, err)
		keys = append(keys, kv.Key)
	}
	_, err := it.Next()
	require.Error(t, err)
	return keys
}
