package localnet

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
)

// firstDebugPort is Delve's customary port; the second peer takes the next one.
const firstDebugPort = 2345

// debug has every peer run a chaincode under Delve, at an address of its own; with an empty name nothing.
func (n *Network) debug(chaincode string) error {
	if chaincode == "" {
		return nil
	}
	if n.DevMode {
		return errors.New("in a network in development mode you start the chaincode by hand: start it in the debugger")
	}
	if _, err := exec.LookPath("dlv"); err != nil {
		return fmt.Errorf("debugging chaincode %s needs Delve, but there is no dlv on the PATH; install it with: go install github.com/go-delve/delve/cmd/dlv@latest", chaincode)
	}
	n.debugging = map[string]string{}
	for i, org := range n.Orgs {
		address, err := debugAddress(firstDebugPort + i)
		if err != nil {
			return err
		}
		n.debugging[org.Peer.Name] = address
		p := n.processes[org.Peer.Name]
		p.env = append(p.env, "CORE_CHAINCODE_PROCESS_DEBUG_NAME="+chaincode, "CORE_CHAINCODE_PROCESS_DEBUG_LISTENADDRESS="+address)
	}
	return nil
}

// debugAddress is that of port or, if it is taken, of a free one.
func debugAddress(port int) (string, error) {
	l, err := net.Listen("tcp", local(port))
	if err != nil {
		if l, err = net.Listen("tcp", local(0)); err != nil {
			return "", fmt.Errorf("looking for a free port for Delve: %w", err)
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// DebugAddress is where Delve waits on a peer, while the debugged chaincode runs there; empty if none is debugged.
func (n *Network) DebugAddress(peer Node) string { return n.debugging[peer.Name] }
