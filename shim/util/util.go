// Package util is the part of Fabric 1.4's common/util that chaincode uses.
package util

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// ToChaincodeArgs makes the arguments for InvokeChaincode out of strings.
func ToChaincodeArgs(args ...string) [][]byte { return ArrayToChaincodeArgs(args) }

// ArrayToChaincodeArgs is ToChaincodeArgs for a slice.
func ArrayToChaincodeArgs(args []string) [][]byte {
	b := make([][]byte, len(args))
	for i, a := range args {
		b[i] = []byte(a)
	}
	return b
}

// ConcatenateBytes joins slices.
func ConcatenateBytes(data ...[]byte) []byte {
	joined := []byte{}
	for _, d := range data {
		joined = append(joined, d...)
	}
	return joined
}

// ComputeSHA256 returns the SHA-256 of data.
func ComputeSHA256(data []byte) []byte {
	h := sha256.Sum256(data)
	return h[:]
}

// GenerateUUID returns a random UUID. Endorsers of one transaction get different ones: do not write it to the state.
func GenerateUUID() string {
	b := GenerateBytesUUID()
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// GenerateBytesUUID returns the 16 bytes of a random UUID (RFC 4122, version 4).
func GenerateBytesUUID() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return b
}

// CreateUtcTimestamp returns the present time. Endorsers of one transaction get different ones: use the stub's GetTxTimestamp.
func CreateUtcTimestamp() *timestamppb.Timestamp { return timestamppb.Now() }
