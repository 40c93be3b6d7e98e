// Package deepjson gives wire messages the JSON form that configtxlator and configtxgen print, and reads it back.
//
// It is protobuf JSON with original field names and all defaults written out, in which bytes fields that hold another message are that
// message's JSON instead of base64: envelopes, headers, payload data by header type, configuration values by group and key, policies and
// principals by type, MSP configurations, transactions down to the public read-write sets. What a bytes field holds is listed in rules.go.
//
// Where protobuf JSON leaves a choice, this is the form of Fabric 1.4: an absent message or empty bytes field is null, 64-bit numbers are
// strings, enum values are names, an unset oneof is left out. A field that 1.4 does not know is left out when it has its default. Bytes
// inside a oneof are never expanded.
//
// Invariants: nesting is bounded, so no input can exhaust the stack; unreadable bytes and unknown keys are errors, not panics; reading back
// what was written gives an equal message, and equal bytes where the bytes were encoded canonically.
package deepjson
