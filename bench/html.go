package bench

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/template"
)

//go:embed report.html
var reportText string

// Size of a plot, in pixels.
const (
	plotWidth  = 640
	plotHeight = 160
)

// report is a page that needs nothing else.
type report struct {
	Plots   []template.HTML
	Results []*Result
}

// WriteHTML writes results as one page: a table, and two plots for each result.
func WriteHTML(out io.Writer, results ...*Result) error {
	return report{Results: results}.write(out)
}

// WriteGrowthHTML writes curves as one page: their plots, and then the results at all points as WriteHTML does.
func WriteGrowthHTML(out io.Writer, curves ...*Curve) error {
	r := report{}
	for _, c := range curves {
		var plot strings.Builder
		if err := c.WriteSVG(&plot); err != nil {
			return err
		}
		r.Plots = append(r.Plots, template.HTML("<h2>"+html.EscapeString(c.Title)+"</h2>\n"+plot.String()))
		for _, p := range c.Points {
			for _, result := range []*Result{p.Commit, p.Endorse} {
				if result != nil {
					r.Results = append(r.Results, result)
				}
			}
		}
	}
	return r.write(out)
}

func (r report) write(out io.Writer) error {
	return fill(out, "report", reportText, r, template.Funcs{
		"ms": milliseconds, "remarks": (*Result).remarks, "plot": plot, "top": func(values any) string { return fmt.Sprintf("%.4g", slices.Max(floats(values))) },
		"width": func() int { return plotWidth }, "height": func() int { return plotHeight },
	})
}

// fill writes a template of HTML or SVG, filled in.
func fill(out io.Writer, name, text string, data any, funcs template.Funcs) error {
	t, err := template.ParseHTML(name, text, funcs)
	if err != nil {
		return err
	}
	filled, err := t.Execute(data)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, filled)
	return err
}

// plot is the points of an SVG polyline through values, which fill the plot's width; the greatest of them touches its top.
func plot(values any) string {
	all := floats(values)
	top := max(slices.Max(all), 1e-9)
	var b strings.Builder
	for i, v := range all {
		x := plotWidth * float64(i) / float64(max(1, len(all)-1))
		fmt.Fprintf(&b, "%.1f,%.1f ", x, plotHeight*(1-v/top))
	}
	return b.String()
}

// floats takes []int or []float64, at least one.
func floats(values any) []float64 {
	all := []float64{}
	switch values := values.(type) {
	case []int:
		for _, v := range values {
			all = append(all, float64(v))
		}
	case []float64:
		all = values
	}
	if len(all) == 0 {
		return []float64{0}
	}
	return all
}
