package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/bench"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/msp"
)

// needs says which nodes a command talks to.
type needs int

const (
	needsPeers needs = 1 << iota
	needsOrderer
)

// target is the network that flags describe.
type target struct {
	envFiles []string
	channel  string
	peers    []string // address or address=CA file
	orderer  string   // the same
	mspID    string
	mspDir   string
	cert     string // of TLS clients
	key      string

	conns []*client.Conn
}

func (t *target) flags(cmd *cobra.Command, n needs) {
	f := cmd.Flags()
	f.StringArrayVar(&t.envFiles, "env", nil, "`FILE` of variables as heddle up writes it (CORE_PEER_ADDRESS, ORDERER_ADDRESS …); the first gives the identity, each a peer. May be repeated")
	f.StringVarP(&t.channel, "channelID", "C", "mychannel", "Name of the channel")
	f.StringVar(&t.mspID, "msp-id", "", "MSP id of the identity to act as")
	f.StringVar(&t.mspDir, "msp-dir", "", "MSP directory of the identity to act as")
	f.StringVar(&t.cert, "certfile", "", "Certificate to show to servers that ask for one")
	f.StringVar(&t.key, "keyfile", "", "Key of that certificate")
	if n&needsPeers != 0 {
		f.StringArrayVar(&t.peers, "peer", nil, "Address of a peer, with TLS as ADDRESS=CAFILE. May be repeated")
	}
	if n&needsOrderer != 0 {
		f.StringVar(&t.orderer, "orderer", "", "Address of the orderer, with TLS as ADDRESS=CAFILE")
	}
}

// connect connects to what a command needs. Close ends the connections, also after an error.
func (t *target) connect(ctx context.Context, n needs) (*bench.Network, error) {
	if err := t.readEnvFiles(); err != nil {
		return nil, err
	}
	if t.mspID == "" || t.mspDir == "" {
		return nil, errors.New("who is asking? Give --env, or --msp-id and --msp-dir")
	}
	signer, err := msp.LoadSigner(t.mspDir, t.mspID)
	if err != nil {
		return nil, err
	}
	network := &bench.Network{Client: client.New(signer)}
	if n&needsPeers != 0 {
		if len(t.peers) == 0 {
			return nil, errors.New("which peers? Give --env or --peer")
		}
		for _, text := range t.peers {
			address, o, err := t.server(text)
			if err != nil {
				return nil, err
			}
			peer, err := client.ConnectPeer(ctx, address, o)
			if err != nil {
				return nil, err
			}
			t.conns, network.Peers = append(t.conns, peer.Conn), append(network.Peers, peer)
		}
	}
	if n&needsOrderer != 0 {
		if t.orderer == "" {
			return nil, errors.New("which orderer? Give --env or --orderer")
		}
		address, o, err := t.server(t.orderer)
		if err != nil {
			return nil, err
		}
		if network.Orderer, err = client.ConnectOrderer(ctx, address, o); err != nil {
			return nil, err
		}
		t.conns = append(t.conns, network.Orderer.Conn)
	}
	return network, nil
}

func (t *target) close() {
	for _, c := range t.conns {
		_ = c.Close()
	}
}

// server splits ADDRESS=CAFILE. Without a file, the server is spoken to in plain text.
func (t *target) server(text string) (address string, o comm.ClientOptions, err error) {
	address, ca, secured := strings.Cut(text, "=")
	if !secured {
		return address, o, nil
	}
	roots, err := comm.LoadRoots(ca)
	if err != nil {
		return "", o, err
	}
	o.TLS = &comm.ClientTLS{Roots: roots}
	if t.cert != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return "", o, fmt.Errorf("--certfile and --keyfile: %w", err)
		}
		o.TLS.Certificate = &pair
	}
	return address, o, nil
}

// readEnvFiles fills in what no flag gave. Peers of files come before those of flags.
func (t *target) readEnvFiles() error {
	var peers []string
	for _, file := range t.envFiles {
		vars, err := readEnvFile(file)
		if err != nil {
			return err
		}
		secured := vars["CORE_PEER_TLS_ENABLED"] == "true"
		at := func(address, ca string) string {
			if secured {
				return address + "=" + ca
			}
			return address
		}
		if t.mspID == "" {
			t.mspID, t.mspDir = vars["CORE_PEER_LOCALMSPID"], vars["CORE_PEER_MSPCONFIGPATH"]
			if vars["CORE_PEER_TLS_CLIENTAUTHREQUIRED"] == "true" {
				t.cert, t.key = vars["CORE_PEER_TLS_CLIENTCERT_FILE"], vars["CORE_PEER_TLS_CLIENTKEY_FILE"]
			}
		}
		if address := vars["CORE_PEER_ADDRESS"]; address != "" {
			peers = append(peers, at(address, vars["CORE_PEER_TLS_ROOTCERT_FILE"]))
		}
		if address := vars["ORDERER_ADDRESS"]; address != "" && t.orderer == "" {
			t.orderer = at(address, vars["ORDERER_CA"])
		}
	}
	t.peers = append(peers, t.peers...)
	return nil
}

// readEnvFile reads lines of NAME=value or export NAME='value'. Paths are those of whoever wrote the file: relative ones start at the
// working directory.
func readEnvFile(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if quoted := strings.Trim(value, `"'`); len(quoted) == len(value)-2 {
			value = strings.ReplaceAll(quoted, `'\''`, "'")
		}
		vars[strings.TrimSpace(name)] = value
	}
	if len(vars) == 0 {
		return nil, fmt.Errorf("%s has no line of the form NAME=value", filepath.Clean(file))
	}
	return vars, nil
}
