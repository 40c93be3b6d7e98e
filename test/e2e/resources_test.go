//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

// resources are what the nodes of a network held, sampled again and again.
type resources struct {
	nodes   []string
	samples []sample
}

// sample is one look at all nodes.
type sample struct {
	height    uint64
	nodes     []held
	processes int // all whose executable or working directory lies in the network's directory: the chaincode's
}

// held is what one node holds.
type held struct {
	memory      int // resident, in KiB
	descriptors int // open files and sockets
	files       int // in its directory
}

func (r *resources) sample(t *testing.T, n *network, nodes []localnet.Node, height uint64) {
	t.Helper()
	if r.nodes == nil {
		for _, node := range nodes {
			r.nodes = append(r.nodes, node.Name)
		}
	}
	s := sample{height: height, processes: processesBelow(n.Dir)}
	for _, node := range nodes {
		proc := fmt.Sprintf("/proc/%d", n.Pid(node))
		descriptors, err := os.ReadDir(filepath.Join(proc, "fd"))
		require.NoError(t, err)
		s.nodes = append(s.nodes, held{memory: residentMemory(t, proc), descriptors: len(descriptors), files: filesBelow(t, filepath.Join(n.Dir, "nodes", node.Name))})
	}
	r.samples = append(r.samples, s)
}

// residentMemory is VmRSS of proc_pid_status(5).
func residentMemory(t *testing.T, proc string) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kib int
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(t, err)
	return kib
}

func filesBelow(t *testing.T, dir string) int {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files++
		}
		return nil // files come and go while they are counted
	}))
	return files
}

// processesBelow counts the processes whose executable or working directory lies in dir.
func processesBelow(dir string) int {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	return len(slices.DeleteFunc(links, func(exe string) bool {
		for _, link := range []string{exe, filepath.Join(filepath.Dir(exe), "cwd")} {
			if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, dir+"/") {
				return false
			}
		}
		return true
	}))
}

// requireFlat expects no more of anything in the last third of the samples than in the middle one, give or take what is noise.
func (r *resources) requireFlat(t *testing.T) {
	t.Helper()
	middle, last := r.samples[len(r.samples)/3:2*len(r.samples)/3], r.samples[2*len(r.samples)/3:]
	if len(middle) == 0 {
		return
	}
	most := func(of []sample, what func(sample) int) int {
		m := 0
		for _, s := range of {
			m = max(m, what(s))
		}
		return m
	}
	flat := func(what string, slack int, of func(sample) int) {
		before, after := most(middle, of), most(last, of)
		require.LessOrEqual(t, after, before+before/2+slack, what)
	}
	flat("processes", 4, func(s sample) int { return s.processes })
	for i, name := range r.nodes {
		flat("memory of "+name+", KiB", 64<<10, func(s sample) int { return s.nodes[i].memory })
		flat("descriptors of "+name, 32, func(s sample) int { return s.nodes[i].descriptors })
		flat("files of "+name, 32, func(s sample) int { return s.nodes[i].files })
	}
}

// String is a table, a line for each sample.
func (r *resources) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nblocks\tprocesses\t%s\t(MiB, descriptors, files)\n", strings.Join(r.nodes, "\t"))
	for _, s := range r.samples {
		fmt.Fprintf(w, "%d\t%d\t", s.height, s.processes)
		for _, h := range s.nodes {
			fmt.Fprintf(w, "%d, %d, %d\t", h.memory>>10, h.descriptors, h.files)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}
