package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Curve is what was measured along an axis.
type Curve struct {
	Axis   string  `json:"axis"`
	Title  string  `json:"title"`
	Base   Setting `json:"base"` // at which the other numbers stay
	Points []Point `json:"points"`
}

// Point is what was measured at one value of an axis.
type Point struct {
	Value   int     `json:"value"`
	Commit  *Result `json:"commit"`            // by this process, whose peak memory is that of making chains, too
	Endorse *Result `json:"endorse,omitempty"` // by a peer
}

// WriteCurves prints curves as text, a line for each point.
func WriteCurves(out io.Writer, curves ...*Curve) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range curves {
		fmt.Fprintf(w, "%s\tcommit, tx/s\tCPU µs/tx\tendorse, /s\tCPU µs each\tpeer MiB\t\n", c.Title)
		for _, p := range c.Points {
			fmt.Fprintf(w, "%s\t%.0f\t%.0f\t", short(float64(p.Value)), p.Commit.TPS, p.Commit.Processes[0].CPU)
			if p.Endorse == nil {
				fmt.Fprint(w, "-\t-\t-\t\n")
				continue
			}
			u := p.Endorse.Processes[0]
			fmt.Fprintf(w, "%.0f\t%.0f\t%.0f\t\n", p.Endorse.TPS, u.CPU, u.Resident)
		}
	}
	return w.Flush()
}
