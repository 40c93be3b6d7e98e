package localnet

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/heddleledger/heddle/template"
)

//go:embed templates
var templates embed.FS

const planFile = "network.json"

// readPlan returns the plan that dir holds; fs.ErrNotExist when it holds none.
func readPlan(dir string) (Plan, error) {
	var p Plan
	raw, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("%s does not hold a network (%w); remove the directory to start anew", filepath.Join(dir, planFile), err)
	}
	return p, nil
}

// build writes the files of a new network into its directory: configuration, keys, genesis block and channel transactions.
func (n *Network) build(ctx context.Context) error {
	type file struct {
		name, template string
		data           any
	}
	files := []file{
		{"crypto-config.yaml", "crypto-config.yaml", n.Plan},
		{"configtx.yaml", "configtx.yaml", n.Plan},
		{"client/core.yaml", "client-core.yaml", n.Plan},
		{filepath.Join("nodes", n.Orderer.Name, "orderer.yaml"), "orderer.yaml", n.Plan},
	}
	for _, org := range n.Orgs {
		files = append(files, file{filepath.Join("nodes", org.Peer.Name, "core.yaml"), "core.yaml", struct {
			Plan
			Org Org
		}{n.Plan, org}})
	}
	for _, f := range files {
		text, err := fill(f.template, f.data)
		if err != nil {
			return err
		}
		if err := n.write(f.name, text); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(n.Dir, "channel"), 0o755); err != nil {
		return err
	}
	if err := n.generate(ctx); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(n.Plan, "", "  ")
	if err != nil {
		return err
	}
	return n.write(planFile, string(raw)+"\n")
}

// fill returns one of the templates, filled in.
func fill(name string, data any) (string, error) {
	text, err := templates.ReadFile("templates/" + name)
	if err != nil {
		return "", err
	}
	t, err := template.Parse(name, string(text), template.Funcs{
		"address": Node.Address, "chaincodeAddress": Node.ChaincodeAddress, "operationsAddress": Node.OperationsAddress,
		"peerDir": Org.PeerDir, "ordererDir": Plan.OrdererDir, "tlsRoots": Plan.TLSRoots,
	})
	if err != nil {
		return "", err
	}
	return t.Execute(data)
}

// generate runs cryptogen and configtxgen.
func (n *Network) generate(ctx context.Context) error {
	if err := n.generateKeys(ctx); err != nil {
		return err
	}
	steps := [][]string{
		{"configtxgen", "-configPath", ".", "-profile", "Genesis", "-channelID", "system-channel", "-outputBlock", "channel/genesis.block"},
		{"configtxgen", "-configPath", ".", "-profile", "Channel", "-channelID", n.Channel, "-outputCreateChannelTx", n.channelTx()},
	}
	for _, args := range steps {
		if err := n.tool(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// generateKeys leaves keys alone that an interrupted run has made: what is called crypto is complete.
func (n *Network) generateKeys(ctx context.Context) error {
	const unfinished = "crypto.unfinished"
	crypto, partial := filepath.Join(n.Dir, "crypto"), filepath.Join(n.Dir, unfinished)
	if _, err := os.Stat(crypto); err == nil {
		return nil
	}
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := n.tool(ctx, "cryptogen", "generate", "--config", "crypto-config.yaml", "--output", unfinished); err != nil {
		return err
	}
	return os.Rename(partial, crypto)
}

func (n *Network) channelTx() string { return filepath.Join("channel", n.Channel+".tx") }

func (n *Network) write(name, text string) error {
	path := filepath.Join(n.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func lower(s string) string { return strings.ToLower(s) }
