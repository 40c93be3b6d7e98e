package localnet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// writeForClients writes what users of the network work with: files to source, connection profiles, and a wallet. All of it follows from the
// plan, the keys and the place of the directory, which may have been moved since they were written last.
func (n *Network) writeForClients() error {
	for _, i := range n.Identities() {
		if err := n.write(filepath.Join("env", i.Name()+".sh"), n.envFile(i)); err != nil {
			return err
		}
	}
	if err := n.writeProfiles(); err != nil {
		return err
	}
	return n.writeWallet()
}

// walletEntry is an identity as the wallets of fabric-network and fabric-gateway-java keep it, in a file named label.id.
type walletEntry struct {
	Credentials walletKeys `json:"credentials"`
	MSPID       string     `json:"mspId"`
	Type        string     `json:"type"`
	Version     int        `json:"version"`
}

type walletKeys struct {
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"privateKey"`
}

// Wallet is a folder with every identity under its Name and, under its Name followed by -tls, the key pair it shows in a TLS handshake.
func (n *Network) Wallet() string { return filepath.Join(n.Dir, "wallet") }

func (n *Network) writeWallet() error {
	if err := os.MkdirAll(n.Wallet(), 0o700); err != nil {
		return err
	}
	for _, i := range n.Identities() {
		key, cert, err := n.keyPair(i)
		if err != nil {
			return err
		}
		if err := n.writeWalletEntry(i.Name(), i, key, cert); err != nil {
			return err
		}
		key, cert = n.tlsKeyPair(i)
		if err := n.writeWalletEntry(i.Name()+"-tls", i, key, cert); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) writeWalletEntry(label string, i Identity, keyFile, certFile string) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(walletEntry{
		Credentials: walletKeys{Certificate: string(cert), PrivateKey: string(key)}, MSPID: i.Org.MSPID, Type: "X.509", Version: 1,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.Wallet(), label+".id"), append(raw, '\n'), 0o600)
}

// keyPair are the files with the key that i signs with and its certificate.
func (n *Network) keyPair(i Identity) (key, cert string, err error) {
	msp := filepath.Join(n.Dir, i.UserDir(), "msp")
	if key, err = onlyFile(filepath.Join(msp, "keystore")); err != nil {
		return "", "", err
	}
	cert, err = onlyFile(filepath.Join(msp, "signcerts"))
	return key, cert, err
}

// tlsKeyPair are the files with the key that i uses for TLS and its certificate.
func (n *Network) tlsKeyPair(i Identity) (key, cert string) {
	tls := filepath.Join(n.Dir, i.UserDir(), "tls")
	return filepath.Join(tls, "client.key"), filepath.Join(tls, "client.crt")
}

func onlyFile(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("want one file in %s, found %d", dir, len(files))
	}
	return filepath.Join(dir, files[0].Name()), nil
}
