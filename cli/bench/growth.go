package bench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/bench"
	"github.com/heddleledger/heddle/localnet"
)

func growthCommand() *cobra.Command {
	g := &growth{}
	cmd := &cobra.Command{
		Use:   "growth",
		Short: "Measure how the rates move as state, blocks, chaincodes, channels and signers grow",
		Long: `Measure how fast a peer commits and endorses with more and more keys in its state, transactions in a block, chaincodes, channels, and
clients that sign. Ledgers are filled by synthetic blocks, in which every signature is real; committing is measured in this process, by a peer's own
pipeline, and endorsing by a peer that is started on those ledgers. Nothing is needed but a folder for temporary files: the largest state,
of 10 million keys, takes some 3 GB.`,
		Example: `  heddle bench growth --svg docs/performance --json > growth.json
  heddle bench growth --axis signers --cpu-profiles profiles`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			axes, err := g.chosen()
			if err != nil {
				return err
			}
			cmd.SilenceUsage = true
			curves, err := g.run(cmd, axes)
			if err != nil {
				return err
			}
			return g.show(cmd, curves)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&g.axes, "axis", nil, "What grows: "+strings.Join(axisNames(), ", ")+"; all of them, if not given. May be repeated")
	f.BoolVar(&g.quick, "quick", false, "Measure two small points along each axis, which shows no more than that everything works")
	f.BoolVar(&g.commitOnly, "commit-only", false, "Measure committing alone, which starts no process")
	f.IntVar(&g.measure.Count, "count", 20_000, "Transactions committed, and proposals endorsed, in each round")
	f.IntVar(&g.measure.Rounds, "rounds", 3, "Rounds at each point, of which the one with the median rate counts")
	f.IntVar(&g.measure.Workers, "workers", 32, "Proposals under way at a time")
	f.IntVar(&g.measure.Endorsements, "endorsements", 1, "Endorsements of each transaction that is committed, 1 or 2")
	f.IntVar(&g.measure.KeyTables, "key-tables", 128, "What BCCSP.SW.KeyTables is to a peer, for committing")
	f.StringVar(&g.profiles, "cpu-profiles", "", "Write profiles of the processor's time while committing, for go tool pprof, to this folder")
	f.BoolVar(&g.json, "json", false, "Print the results as JSON, rates under the key tps")
	f.StringVar(&g.html, "html", "", "Write a report with plots to this file")
	f.StringVar(&g.svg, "svg", "", "Write a plot of each axis to this folder, as growth-AXIS.svg")
	return cmd
}

// growth is the command.
type growth struct {
	axes       []string
	quick      bool
	commitOnly bool
	profiles   string
	json       bool
	html       string
	svg        string
	measure    bench.Growth
}

func axisNames() []string {
	var names []string
	for _, a := range bench.Axes(false) {
		names = append(names, a.Name)
	}
	return names
}

func (g *growth) chosen() ([]bench.Axis, error) {
	if g.measure.Count < 1 || g.measure.Rounds < 1 || g.measure.Workers < 1 {
		return nil, errors.New("--count, --rounds and --workers are at least 1")
	}
	for _, name := range g.axes {
		if !slices.Contains(axisNames(), name) {
			return nil, fmt.Errorf("--axis is one of %s, not %q", strings.Join(axisNames(), ", "), name)
		}
	}
	axes := bench.Axes(g.quick)
	return slices.DeleteFunc(axes, func(a bench.Axis) bool { return len(g.axes) > 0 && !slices.Contains(g.axes, a.Name) }), nil
}

func (g *growth) run(cmd *cobra.Command, axes []bench.Axis) (_ []*bench.Curve, err error) {
	dir, err := os.MkdirTemp("", "heddle-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := &g.measure
	m.Dir, m.Quick = dir, g.quick
	m.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
	m.Progress = func(name string, expected int) (func(int), func()) {
		return progressBar(cmd.ErrOrStderr(), name, expected)
	}
	if g.profiles != "" {
		if err := os.MkdirAll(g.profiles, 0o755); err != nil {
			return nil, err
		}
		m.Profile = func(name string) (func() error, error) {
			return startProfile(filepath.Join(g.profiles, strings.ReplaceAll(name, " ", "-")+".pprof"))
		}
	}
	if !g.commitOnly {
		if m.Network, err = localnet.Open(cmd.Context(), localnet.Options{Dir: dir, FreePorts: true}); err != nil {
			return nil, err
		}
	}
	return m.Run(cmd.Context(), axes...)
}

func (g *growth) show(cmd *cobra.Command, curves []*bench.Curve) error {
	if g.svg != "" {
		if err := os.MkdirAll(g.svg, 0o755); err != nil {
			return err
		}
	}
	for _, c := range curves {
		if g.svg == "" {
			break
		}
		if err := writeFile(filepath.Join(g.svg, "growth-"+c.Axis+".svg"), c.WriteSVG); err != nil {
			return err
		}
	}
	if g.html != "" {
		if err := writeFile(g.html, func(out io.Writer) error { return bench.WriteGrowthHTML(out, curves...) }); err != nil {
			return err
		}
	}
	if g.json {
		return writeJSON(cmd.OutOrStdout(), curves)
	}
	return bench.WriteCurves(cmd.OutOrStdout(), curves...)
}
