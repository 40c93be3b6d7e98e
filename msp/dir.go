package msp

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

// The folders and the file of an MSP directory.
const (
	dirCACerts              = "cacerts"
	dirIntermediateCerts    = "intermediatecerts"
	dirAdminCerts           = "admincerts"
	dirCRLs                 = "crls"
	dirTLSCACerts           = "tlscacerts"
	dirTLSIntermediateCerts = "tlsintermediatecerts"
	dirSignCerts            = "signcerts"
	dirKeyStore             = "keystore"
	fileConfig              = "config.yaml"
)

// configFile is an MSP directory's config.yaml.
type configFile struct {
	OrganizationalUnitIdentifiers []*configOU `yaml:"OrganizationalUnitIdentifiers"`
	NodeOUs                       *struct {
		Enable              bool      `yaml:"Enable"`
		ClientOUIdentifier  *configOU `yaml:"ClientOUIdentifier"`
		PeerOUIdentifier    *configOU `yaml:"PeerOUIdentifier"`
		AdminOUIdentifier   *configOU `yaml:"AdminOUIdentifier"`
		OrdererOUIdentifier *configOU `yaml:"OrdererOUIdentifier"`
	} `yaml:"NodeOUs"`
}

type configOU struct {
	Certificate string `yaml:"Certificate"` // relative to the MSP directory
	Name        string `yaml:"OrganizationalUnitIdentifier"`
}

// LoadDir reads an MSP directory into the configuration a channel carries: CAs, admins, CRLs, OUs, TLS CAs; not the
// signing identity. Files that hold no PEM are passed over. Unlike Fabric, a NodeOU whose certificate cannot be read is an
// error and not a NodeOU that any of the organization's CAs may certify.
func LoadDir(dir, mspID string) (*msppb.MSPConfig, error) {
	conf := &msppb.FabricMSPConfig{
		Name:         mspID,
		CryptoConfig: &msppb.FabricCryptoConfig{SignatureHashFamily: familySHA2, IdentityIdentifierHashFunction: hashSHA256},
	}
	var err error
	if conf.RootCerts, err = required(dir, dirCACerts, "ca certificate"); err != nil {
		return nil, err
	}
	for _, folder := range []struct {
		name string
		to   *[][]byte
		what string
	}{
		{dirAdminCerts, &conf.Admins, "admin certs"},
		{dirIntermediateCerts, &conf.IntermediateCerts, "intermediate ca certs"},
		{dirTLSCACerts, &conf.TlsRootCerts, "TLS ca certs"},
		{dirTLSIntermediateCerts, &conf.TlsIntermediateCerts, "TLS intermediate ca certs"},
		{dirCRLs, &conf.RevocationList, "crls"},
	} {
		path := filepath.Join(dir, folder.name)
		if *folder.to, _, err = pemFiles(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("failed loading %s at [%s]: %w", folder.what, path, err)
		}
	}
	if len(conf.TlsRootCerts) == 0 {
		conf.TlsIntermediateCerts = nil
	}
	if err := readConfig(dir, conf); err != nil {
		return nil, err
	}
	return &msppb.MSPConfig{Type: typeFabric, Config: wire.MustMarshal(conf)}, nil
}

// required reads a folder that must hold at least one PEM file.
func required(dir, folder, what string) ([][]byte, error) {
	path := filepath.Join(dir, folder)
	items, skipped, err := pemFiles(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("could not load a valid %s from directory %s: %w", what, path, err)
	case len(items) == 0 && len(skipped) > 0:
		return nil, fmt.Errorf("could not load a valid %s from directory %s: no PEM content in %s", what, path, strings.Join(skipped, ", "))
	case len(items) == 0:
		return nil, fmt.Errorf("could not load a valid %s from directory %s: the directory is empty", what, path)
	}
	return items, nil
}

// pemFiles returns the content of the files in a folder that hold PEM, by name, and the names of those that do not.
func pemFiles(path string) (items [][]byte, skipped []string, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		// Stat follows links: Kubernetes mounts secrets as links, and a link to a folder must be passed over.
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			skipped = append(skipped, e.Name()+" ("+err.Error()+")")
			continue
		}
		if block, _ := pem.Decode(b); block == nil {
			skipped = append(skipped, e.Name())
			continue
		}
		items = append(items, b)
	}
	return items, skipped, nil
}

func readConfig(dir string, conf *msppb.FabricMSPConfig) error {
	path := filepath.Join(dir, fileConfig)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed loading configuration file at [%s]: %w", path, err)
	}
	var file configFile
	if err := yaml.Unmarshal(b, &file); err != nil {
		return fmt.Errorf("failed unmarshalling configuration file at [%s]: %w", path, err)
	}
	for i, ou := range file.OrganizationalUnitIdentifiers {
		if ou == nil {
			return fmt.Errorf("[%s]: entry %d of OrganizationalUnitIdentifiers is empty", path, i)
		}
		cert, err := os.ReadFile(filepath.Join(dir, ou.Certificate))
		if err != nil {
			return fmt.Errorf("failed loading OrganizationalUnit certificate at [%s]: %w", filepath.Join(dir, ou.Certificate), err)
		}
		conf.OrganizationalUnitIdentifiers = append(conf.OrganizationalUnitIdentifiers,
			&msppb.FabricOUIdentifier{Certificate: cert, OrganizationalUnitIdentifier: ou.Name})
	}
	if file.NodeOUs == nil || !file.NodeOUs.Enable {
		return nil
	}
	conf.FabricNodeOus = &msppb.FabricNodeOUs{Enable: true}
	for _, role := range []struct {
		from *configOU
		to   **msppb.FabricOUIdentifier
		what string
	}{
		{file.NodeOUs.ClientOUIdentifier, &conf.FabricNodeOus.ClientOuIdentifier, "ClientOU"},
		{file.NodeOUs.PeerOUIdentifier, &conf.FabricNodeOus.PeerOuIdentifier, "PeerOU"},
		{file.NodeOUs.AdminOUIdentifier, &conf.FabricNodeOus.AdminOuIdentifier, "AdminOU"},
		{file.NodeOUs.OrdererOUIdentifier, &conf.FabricNodeOus.OrdererOuIdentifier, "OrdererOU"},
	} {
		if role.from == nil || role.from.Name == "" {
			continue
		}
		ou := &msppb.FabricOUIdentifier{OrganizationalUnitIdentifier: role.from.Name}
		if role.from.Certificate != "" {
			at := filepath.Join(dir, role.from.Certificate)
			if ou.Certificate, err = os.ReadFile(at); err != nil {
				return fmt.Errorf("failed loading %s certificate at [%s], named in %s: %w", role.what, at, fileConfig, err)
			}
		}
		*role.to = ou
	}
	return nil
}
