// Package cryptogen writes the key material of a test network from crypto-config.yaml.
package cryptogen

import (
	"errors"
	"io"
)

// Config is crypto-config.yaml.
type Config struct{}

var errUnbuilt = errors.New("cryptogen: not built yet")

// Parse reads crypto-config.yaml.
func Parse(yaml []byte) (*Config, error) { return nil, errUnbuilt }

// Template is the text of showtemplate.
func Template() string { return "" }

// Generate writes the tree under dir; the domain of each peer organization goes to out.
func Generate(c *Config, dir string, out io.Writer) error { return errUnbuilt }

// Extend adds what is missing to the tree under dir.
func Extend(c *Config, dir string, out io.Writer) error { return errUnbuilt }
