package shim

import "errors"

// Start connects the chaincode to its peer and serves it until the stream ends. It returns the reason.
func Start(cc Chaincode) error {
	return errors.New("error chaincode id not provided")
}

// StartInProc serves a peer in the same process, over stream, as a chaincode with that name ("name:version").
func StartInProc(chaincodename string, stream ClientStream, cc Chaincode) error {
	return errors.New("error chaincode id not provided")
}
