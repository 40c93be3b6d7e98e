// Package shimtest is MockStub under the name Fabric 2.x knows it by.
package shimtest

import "github.com/heddleledger/heddle/shim"

// MockStub is shim.MockStub.
type MockStub = shim.MockStub

// MockStateRangeQueryIterator is shim.MockStateRangeQueryIterator.
type MockStateRangeQueryIterator = shim.MockStateRangeQueryIterator

// NewMockStub is shim.NewMockStub.
func NewMockStub(name string, cc shim.Chaincode) *MockStub { return shim.NewMockStub(name, cc) }

// NewMockStateRangeQueryIterator is shim.NewMockStateRangeQueryIterator.
func NewMockStateRangeQueryIterator(stub *MockStub, startKey string, endKey string) *MockStateRangeQueryIterator {
	return shim.NewMockStateRangeQueryIterator(stub, startKey, endKey)
}
