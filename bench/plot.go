package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed plot.svg
var plotText string

// Sizes in a curve's plot, in pixels.
const (
	curveWidth  = 800
	curveHeight = 300
	panelWidth  = 300
	panelHeight = 180
	panelTop    = 60
	panelLeft   = 62 // of the first panel
	panelApart  = 400
	panelMargin = 24 // between a panel's sides and its first and last points
	labelAbove  = -9 // of a point's label
	labelBelow  = 18
	mostGrid    = 5 // lines of a grid, at most
	nameWidth   = 60
)

// panel is one of the two halves of a plot: the rates, or what they cost.
type panel struct {
	X, Y, MiddleX, TitleY int

	Head  string
	Title string // of what grows
	Grid  []mark // lines across, as far as X
	Ticks []mark
	Lines []line
}

type line struct {
	Name   string // commit or endorse
	NameX  int
	Points []mark
}

// mark is a place in a panel, with what is written there.
type mark struct {
	X, Y  string
	Label string
	Shift int
}

// WriteSVG draws the curve: on the left how many transactions are committed and proposals endorsed a second, on the right what each costs. What grows
// grows by factors. The picture has a background of its own, light or dark as the reader likes it.
func (c *Curve) WriteSVG(out io.Writer) error {
	picture, err := template.New("plot").Parse(plotText)
	if err != nil {
		return err
	}
	cpu := func(r *Result) float64 { return r.Processes[0].CPU }
	return picture.Execute(out, struct {
		Width, Height int
		Title         string
		Panels        []panel
	}{curveWidth, curveHeight, "Rates with more and more " + c.Title, []panel{
		c.panel(0, "a second", func(r *Result) float64 { return r.TPS }),
		c.panel(1, "processor µs for each", cpu),
	}})
}

// panel draws one number of all results.
func (c *Curve) panel(n int, head string, of func(*Result) float64) panel {
	p := panel{X: panelLeft + n*panelApart, Y: panelTop, MiddleX: panelWidth / 2, TitleY: panelHeight + 42, Head: head, Title: c.Title}
	x := func(i int) float64 {
		first, last := math.Log(float64(c.Points[0].Value)), math.Log(float64(c.Points[len(c.Points)-1].Value))
		at := (math.Log(float64(c.Points[i].Value)) - first) / max(last-first, 1e-9)
		return panelMargin + at*(panelWidth-2*panelMargin)
	}
	lines := []line{{Name: "commit", NameX: panelWidth - nameWidth}, {Name: "endorse", NameX: panelWidth}}
	values := make([][]float64, len(lines))
	top := 0.0
	for i, point := range c.Points {
		for n, r := range []*Result{point.Commit, point.Endorse} {
			if r != nil {
				values[n] = append(values[n], of(r))
				top = max(top, of(r))
			}
		}
		p.Ticks = append(p.Ticks, mark{X: pixel(x(i)), Y: pixel(panelHeight + 18), Label: short(float64(point.Value))})
	}
	step := gridStep(top)
	top = step * math.Ceil(top/step)
	y := func(v float64) float64 { return panelHeight * (1 - v/top) }
	for v := 0.0; v <= top; v += step {
		p.Grid = append(p.Grid, mark{X: pixel(panelWidth), Y: pixel(y(v)), Label: short(v)})
	}
	for n, l := range lines {
		for i, v := range values[n] {
			m := mark{X: pixel(x(i)), Y: pixel(y(v)), Label: short(math.Round(v)), Shift: labelAbove}
			if other := values[1-n]; len(other) > 0 && (other[i] > v || other[i] == v && n == 1) {
				m.Shift = labelBelow
			}
			l.Points = append(l.Points, m)
		}
		if len(l.Points) > 0 {
			p.Lines = append(p.Lines, l)
		}
	}
	return p
}

func pixel(v float64) string { return fmt.Sprintf("%.1f", v) }

// gridStep is 1, 2 or 5 times a power of ten, so that few lines reach top.
func gridStep(top float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(top, 1e-9)/mostGrid)))
	for _, factor := range []float64{1, 2, 5} {
		if top <= factor*power*mostGrid {
			return factor * power
		}
	}
	return 10 * power
}

// short writes 1234 as 1,234 and round numbers from ten thousand on as 10 k or 3 M.
func short(v float64) string {
	n := int(v)
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return fmt.Sprintf("%g M", v/1e6)
	case n >= 10_000 && n%1000 == 0:
		return fmt.Sprintf("%d k", n/1000)
	case n >= 1000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	case v != math.Trunc(v):
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprint(n)
}
