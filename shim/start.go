package shim

import (
	"context"
	"errors"
	"flag"
	"os"
)

// peerAddress is a flag of the process, because peers start chaincode with it and chaincode may parse the command line itself before Start.
var peerAddress = flag.String("peer.address", "", "address of the peer to connect to")

// Start connects the chaincode to its peer and serves it until the stream ends, or until the peer breaks the protocol; it always returns the
// reason, never nil. See the package documentation for what it reads from the command line and the environment.
func Start(cc Chaincode) error {
	if !flag.Parsed() {
		flag.Parse()
	}
	setupLogging(os.Getenv)
	conf, err := loadConfig(*peerAddress, os.Getenv)
	if err != nil {
		return err
	}
	stream, err := dial(context.Background(), conf.address, conf.tls) // a chaincode's main calls Start and has nothing else to end it by
	if err != nil {
		return err
	}
	defer stream.Close()
	return newSession(conf.name, stream, cc).serve()
}

// StartInProc serves a peer in the same process over stream, as the chaincode of that name ("name:version"). It returns the reason why the
// stream ended once all its transactions have ended too. A chaincode that panics fails its transaction only.
func StartInProc(chaincodename string, stream ClientStream, cc Chaincode) error {
	if chaincodename == "" {
		return errors.New("error chaincode id not provided")
	}
	defer stream.CloseSend()
	s := newSession(chaincodename, stream, cc)
	s.recoverPanics = true
	err := s.serve()
	s.running.Wait()
	return err
}

// GetMSPID returns the MSP id of the peer the chaincode runs on, which the peer passes in CORE_PEER_LOCALMSPID.
func GetMSPID() (string, error) {
	id := os.Getenv("CORE_PEER_LOCALMSPID")
	if id == "" {
		return "", errors.New("'CORE_PEER_LOCALMSPID' is not set")
	}
	return id, nil
}
