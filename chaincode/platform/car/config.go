package car

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

const (
	configName = "chaincode.yaml"
	schema     = 1
	platform   = "org.hyperledger.chaincode.golang"

	initInterface = "appinit"
)

// config is what matters of chaincode.yaml.
type config struct {
	Schema   int    `yaml:"Schema"`
	Name     string `yaml:"Name"`
	Version  string `yaml:"Version"`
	Platform struct {
		Name    string `yaml:"Name"`
		Version int    `yaml:"Version"`
	} `yaml:"Platform"`
	Provides yaml.Node `yaml:"Provides"`
	Consumes yaml.Node `yaml:"Consumes"`

	provides, consumes []string // interface names; provides has appinit
}

// interfaceName is dotted words, the last of which becomes a Go package.
var interfaceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

func parseConfig(b []byte) (*config, error) {
	if b == nil {
		return nil, errors.New("the archive holds none")
	}
	c := &config{}
	if err := yaml.Unmarshal(b, c); err != nil {
		return nil, err
	}
	switch {
	case c.Schema != schema:
		return nil, fmt.Errorf("unsupported configuration schema (read: %d, expected: %d)", c.Schema, schema)
	case c.Platform.Name != platform || c.Platform.Version != 1:
		return nil, fmt.Errorf("platform %q version %d is not supported, want %s version 1", c.Platform.Name, c.Platform.Version, platform)
	}
	c.provides, c.consumes = append([]string{initInterface}, c.names(&c.Provides)...), c.names(&c.Consumes)
	for _, list := range []*[]string{&c.provides, &c.consumes} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
		for _, name := range *list {
			if !interfaceName.MatchString(name) {
				return nil, fmt.Errorf("%q is no interface name", name)
			}
		}
	}
	return c, nil
}

// names flattens a list of interface names; self is the chaincode's own.
func (c *config) names(n *yaml.Node) []string {
	var names []string
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		if n.Value == "self" {
			return []string{c.Name}
		}
		return []string{n.Value}
	}
	if n.Kind == yaml.SequenceNode {
		for _, e := range n.Content {
			names = append(names, c.names(e)...)
		}
	}
	return names
}
