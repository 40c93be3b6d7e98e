package bench

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Result is what a load came to.
type Result struct {
	Name      string         `json:"name"`    // what was measured, in a few words
	Count     int            `json:"count"`   // operations that ended without an error; transactions, for those that are some
	Failed    int            `json:"failed"`  // operations that ended with one; not in Count
	Seconds   float64        `json:"seconds"` // from the first to the last
	TPS       float64        `json:"tps"`     // Count / Seconds
	Latency   Latency        `json:"latency_ms"`
	Outcomes  map[string]int `json:"outcomes"`          // Count, by validation code or OK
	Reasons   map[string]int `json:"reasons,omitempty"` // Failed, by text
	Processes []Usage        `json:"processes,omitempty"`
	PerSecond []int          `json:"per_second,omitempty"`   // Count, by the second an operation ended in
	Quantiles []float64      `json:"quantiles_ms,omitempty"` // latency at 0, 1, … 99 percent
}

// Latency is how long operations took, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// Usage is what one process used for a load.
type Usage struct {
	Name     string  `json:"name"`
	CPU      float64 `json:"cpu_us_per_tx"`   // microseconds on a processor, in user and kernel mode, for each of Result.Count
	Resident float64 `json:"rss_mib"`         // at the end
	Peak     float64 `json:"peak_memory_mib"` // since the process began
}

// WriteTable prints results as text, a line each, and below them what did not go well.
func WriteTable(out io.Writer, results ...*Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\ttx\ttx/s\tp50 ms\tp95\tp99\tp99.9\tCPU µs/tx (peak MiB)\t")
	for _, r := range results {
		var usage []string
		for _, u := range r.Processes {
			usage = append(usage, fmt.Sprintf("%s %.0f (%.0f)", u.Name, u.CPU, u.Peak))
		}
		l := r.Latency
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t\n", r.Name, r.Count, r.TPS,
			milliseconds(l.P50), milliseconds(l.P95), milliseconds(l.P99), milliseconds(l.P999), strings.Join(usage, ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		for _, line := range r.remarks() {
			fmt.Fprintf(out, "%s: %s\n", r.Name, line)
		}
	}
	return nil
}

// remarks tell of outcomes other than success.
func (r *Result) remarks() []string {
	var lines []string
	for _, outcome := range mostFirst(r.Outcomes) {
		if outcome != "VALID" && outcome != OK {
			lines = append(lines, fmt.Sprintf("%d × %s", r.Outcomes[outcome], outcome))
		}
	}
	for _, reason := range mostFirst(r.Reasons) {
		lines = append(lines, fmt.Sprintf("%d failed: %s", r.Reasons[reason], reason))
	}
	return lines
}

func mostFirst(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// milliseconds has three digits.
func milliseconds(ms float64) string {
	switch {
	case ms == 0:
		return "-"
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	default:
		return fmt.Sprintf("%.0f", ms)
	}
}
