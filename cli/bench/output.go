package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/bench"
)

// output is how a result is shown, and which processes it tells of.
type output struct {
	json      bool
	html      string
	processes []string // NAME=PID
}

func (o *output) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "Print the result as JSON, the throughput under the key tps")
	f.StringVar(&o.html, "html", "", "Write a report with plots to this file")
	f.StringArrayVar(&o.processes, "process", nil, "Process on this machine whose processor time and memory are to be measured, as NAME=PID. May be repeated")
}

// measure connects, runs work between two looks at the processes, and shows the result. expected is the number of operations, for the
// progress bar; 0 if nobody knows.
func (o *output) measure(cmd *cobra.Command, t *target, n needs, work func(context.Context, *bench.Network, func(int)) (*bench.Result, error), expected int) error {
	cmd.SilenceUsage = true
	ctx, cancel := context.WithCancel(cmd.Context()) // ends the streams that work opens
	defer cancel()
	processes, err := parseProcesses(o.processes)
	if err != nil {
		return err
	}
	defer t.close()
	network, err := t.connect(ctx, n)
	if err != nil {
		return err
	}
	result, err := metered(cmd.ErrOrStderr(), cmd.Name(), processes, expected, func(progress func(int)) (*bench.Result, error) {
		return work(ctx, network, progress)
	})
	if err != nil {
		return err
	}
	return o.show(cmd.OutOrStdout(), result)
}

// metered runs work under a progress bar and adds to its result what the processes used.
func metered(bar io.Writer, name string, processes []bench.Process, expected int, work func(progress func(int)) (*bench.Result, error)) (*bench.Result, error) {
	result, err := bench.Metered(func() (*bench.Result, error) {
		progress, finish := progressBar(bar, name, expected)
		defer finish()
		return work(progress)
	}, processes...)
	if err != nil {
		return nil, err
	}
	result.Name = name
	return result, nil
}

// progressBar shows how far a load is, if out is a terminal.
func progressBar(out io.Writer, name string, expected int) (progress func(int), finish func()) {
	f, ok := out.(*os.File)
	if !ok {
		return nil, func() {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, func() {}
	}
	if expected == 0 {
		expected = -1
	}
	bar := progressbar.NewOptions(expected, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(name),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(done int) { _ = bar.Set(done) }, func() { _ = bar.Finish() }
}

// show prints the results, and writes the report that --html asks for.
func (o *output) show(out io.Writer, results ...*bench.Result) error {
	if o.html != "" {
		if err := writeFile(o.html, func(f io.Writer) error { return bench.WriteHTML(f, results...) }); err != nil {
			return err
		}
	}
	switch {
	case !o.json:
		return bench.WriteTable(out, results...)
	case len(results) == 1:
		return writeJSON(out, results[0])
	}
	return writeJSON(out, results)
}

func writeJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func parseProcesses(texts []string) ([]bench.Process, error) {
	var all []bench.Process
	for _, text := range texts {
		name, pid, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(pid)
		if err != nil || name == "" {
			return nil, fmt.Errorf("a process is given as NAME=PID, not %q", text)
		}
		all = append(all, bench.Process{Name: name, PID: n})
	}
	return all, nil
}
