// Package wire holds the messages that Heddle exchanges with the outside, and the one way their bytes are made.
//
// The .proto files below this folder are Heddle's own; package names, message names and field numbers are Fabric's, so that every
// client, chaincode and tool made for Fabric understands them. Sub-packages ending in "pb" are generated (make proto).
//
// Invariant: bytes that are hashed or signed are either kept exactly as they arrived, or made by Marshal.
package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Marshal encodes m canonically: fields in number order, map entries sorted by key. It fails only when a string field of m is not UTF-8.
func Marshal(m proto.Message) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return b, nil
}

// MustMarshal is Marshal for messages this process built from its own, valid strings; anything else is a bug and panics.
func MustMarshal(m proto.Message) []byte {
	b, err := Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}
