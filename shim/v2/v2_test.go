package shim

import (
	"testing"

	"github.com/stretchr/testify/require"

	v1 "github.com/heddleledger/heddle/shim"
	pb "github.com/heddleledger/heddle/wire/peerpb"
)

type chaincode func(ChaincodeStubInterface) *pb.Response

func (c chaincode) Init(s ChaincodeStubInterface) *pb.Response   { return c(s) }
func (c chaincode) Invoke(s ChaincodeStubInterface) *pb.Response { return c(s) }

func TestAdapter(t *testing.T) {
	other := v1.NewMockStub("other", adapter{chaincode(func(ChaincodeStubInterface) *pb.Response { return Success([]byte("other")) })})
	mock := v1.NewMockStub("cc", adapter{chaincode(func(s ChaincodeStubInterface) *pb.Response {
		s.StartWriteBatch()
		if err := s.PutState("a", []byte("1")); err != nil {
			return Error(err.Error())
		}
		if err := s.FinishWriteBatch(); err != nil {
			return Error(err.Error())
		}
		values, err := s.GetMultipleStates("a", "b")
		if err != nil || len(values) != 2 || string(values[0]) != "1" || values[1] != nil {
			return Error("GetMultipleStates")
		}
		if values, err = s.GetMultiplePrivateData("c", "x"); err != nil || len(values) != 1 {
			return Error("GetMultiplePrivateData")
		}
		if _, _, err := s.GetAllStatesCompositeKeyWithPagination(1, ""); err == nil {
			return Error("a mock stub cannot list all composite keys")
		}
		return s.InvokeChaincode("other", nil, "")
	})})
	mock.MockPeerChaincode("other", other)
	for _, r := range []*pb.Response{{Payload: mock.MockInvoke("tx", nil).Payload}, {Payload: mock.MockInit("tx", nil).Payload}} {
		require.Equal(t, "other", string(r.Payload))
	}
	silent := v1.NewMockStub("silent", adapter{chaincode(func(ChaincodeStubInterface) *pb.Response { return nil })})
	r := silent.MockInvoke("tx", nil)
	require.Zero(t, r.Status)
}
