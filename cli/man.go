package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/heddleledger/heddle/version"
)

// newMan is the command that writes the manual.
func newMan(io IO) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man",
		Short: "Write manual pages of all commands",
		Long: `Write manual pages of all commands, under heddle's name and under the names of Fabric's tools, to DIR/man1. Point MANPATH at DIR to read
them, or give man the directory.`,
		Example: "  heddle man --dir ~/.local/share/man\n  man -M ~/.local/share/man peer-channel-create",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			section := filepath.Join(dir, "man1")
			if err := os.MkdirAll(section, 0o755); err != nil {
				return err
			}
			for _, root := range append(newFabricTrees(io), newTree(io)) {
				if err := writeManual(root, section); err != nil {
					return fmt.Errorf("writing the manual of %s: %w", root.Name(), err)
				}
			}
			pages, err := filepath.Glob(filepath.Join(section, "*.1"))
			if err == nil {
				cmd.Printf("Wrote %d pages to %s\n", len(pages), section)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "man", "Directory that gets the pages; made if missing")
	_ = cmd.MarkFlagDirname("dir")
	return cmd
}

// writeManual writes a page per command of a tree.
func writeManual(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Heddle " + version.Number, Manual: "Heddle"}, dir)
}
