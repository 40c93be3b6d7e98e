package cryptogen

import _ "embed"

//go:embed crypto-config.yaml
var templateText string

// Template is a crypto-config.yaml to start from, with every key explained. Generate and Extend without a configuration
// use it.
func Template() string { return templateText }
