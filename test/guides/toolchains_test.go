//go:build e2e && toolchains

package guides

import "testing"

// TestGuidesWithToolchains runs the pages that need more than Go, all of their blocks.
func TestGuidesWithToolchains(t *testing.T) {
	for _, page := range []string{"chaincode.md", "operate.md"} {
		t.Run(page, func(t *testing.T) { run(t, page, true) })
	}
}
