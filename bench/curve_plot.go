package bench

import (
	_ "embed"
	"fmt"
	"io"
	"math"
)

//go:embed curve.svg
var curveText string

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
	mostGrid    = 5  // steps of a grid, at most
	nameWidth   = 60 // of a line's name above the panel
)

// panel is one of the two halves of a plot: the rates, or what they cost.
type panel struct {
	X, Y            int
	Head            string
	Title           string // of what grows, written at MiddleX and TitleY
	MiddleX, TitleY int
	Grid            []mark // lines across, as far as X
	Ticks           []mark
	Lines           []line
}

type line struct {
	Name   string // commit or endorse
	NameX  int    // where it ends
	Points []mark
}

// mark is a place in a panel, with what is written there.
type mark struct {
	X, Y  string
	Label string
	Shift int // of the label, down
}

// WriteSVG draws the curve: on the left how many transactions are committed and proposals endorsed a second, on the right what each costs. What grows
// grows by factors. The picture has a background of its own, light or dark as the reader likes it.
func (c *Curve) WriteSVG(out io.Writer) error {
	return fill(out, "curve", curveText, struct {
		Width, Height int
		Title         string
		Panels        []panel
	}{curveWidth, curveHeight, "Rates with more and more " + c.Title, []panel{
		c.panel(0, "per second", func(r *Result) float64 { return r.TPS }),
		c.panel(1, "processor µs each", func(r *Result) float64 { return r.Processes[0].CPU }),
	}}, nil)
}

// panel draws one number of all results.
func (c *Curve) panel(n int, head string, of func(*Result) float64) panel {
	p := panel{X: panelLeft + n*panelApart, Y: panelTop, MiddleX: panelWidth / 2, TitleY: panelHeight + 42, Head: head, Title: c.Title}
	var commits, endorsements []float64 // the latter for all points, or for none
	top := 1.0
	for i, point := range c.Points {
		commits = append(commits, of(point.Commit))
		top = max(top, commits[i])
		if point.Endorse != nil {
			endorsements = append(endorsements, of(point.Endorse))
			top = max(top, endorsements[i])
		}
		p.Ticks = append(p.Ticks, mark{X: pixel(c.x(i)), Y: pixel(panelHeight + 18), Label: short(float64(point.Value))})
	}
	step := gridStep(top)
	lines := math.Ceil(top / step)
	y := func(v float64) string { return pixel(panelHeight * (1 - v/(lines*step))) }
	for n := 0.0; n <= lines; n++ {
		p.Grid = append(p.Grid, mark{X: pixel(panelWidth), Y: y(n * step), Label: short(n * step)})
	}
	draw := func(name string, nameX int, values, others []float64) {
		l := line{Name: name, NameX: nameX}
		for i, v := range values {
			shift := labelAbove
			if len(others) > 0 && others[i] > v {
				shift = labelBelow
			}
			l.Points = append(l.Points, mark{X: pixel(c.x(i)), Y: y(v), Label: short(math.Round(v)), Shift: shift})
		}
		p.Lines = append(p.Lines, l)
	}
	draw("commit", panelWidth-nameWidth, commits, endorsements)
	if len(endorsements) > 0 {
		draw("endorse", panelWidth, endorsements, commits)
	}
	return p
}

// x is where a point lies in a panel, by the logarithm of its value.
func (c *Curve) x(i int) float64 {
	at := func(i int) float64 { return math.Log(float64(c.Points[i].Value)) }
	first, last := at(0), at(len(c.Points)-1)
	return panelMargin + (at(i)-first)/max(last-first, 1e-9)*(panelWidth-2*panelMargin)
}

func pixel(v float64) string { return fmt.Sprintf("%.1f", v) }

// gridStep is 1, 2 or 5 times a power of ten, so that few lines reach top.
func gridStep(top float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(top/mostGrid)))
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
