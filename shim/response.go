package shim

import pb "github.com/heddleledger/heddle/wire/peerpb"

const (
	// OK is the status of a call that went well.
	OK = 200
	// ERRORTHRESHOLD is the first status that endorsers refuse to endorse.
	ERRORTHRESHOLD = 400
	// ERROR is the status of a call that failed.
	ERROR = 500
)

// Success is the response of a call that went well.
func Success(payload []byte) pb.Response {
	return pb.Response{Status: OK, Payload: payload}
}

// Error is the response of a call that failed.
func Error(msg string) pb.Response {
	return pb.Response{Status: ERROR, Message: msg}
}
