package bench

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGrowthOfCommitting measures small points along every axis, in which all transactions are committed as they should be.
func TestGrowthOfCommitting(t *testing.T) {
	var measured, told []string
	g := &Growth{
		Dir: t.TempDir(), Quick: true, Count: 61, Rounds: 2, Workers: 1, Endorsements: 2, KeyTables: 8, Log: slog.New(slog.DiscardHandler),
		Progress: func(name string, expected int) (func(int), func()) {
			done := 0
			return func(n int) { done = n }, func() { told = append(told, fmt.Sprintf("%s: %t", name, done == expected)) }
		},
	}
	g.Profile = func(name string) (func() error, error) {
		channels, err := os.ReadDir(filepath.Join(g.Dir, "data", "ledgersData"))
		measured = append(measured, fmt.Sprintf("%s on %d", name, len(channels)))
		return func() error { return nil }, err
	}
	curves, err := g.Run(t.Context(), Axes(true)...)
	require.NoError(t, err)
	var want []string
	for i, axis := range Axes(true) {
		require.Equal(t, axis.Name, curves[i].Axis)
		require.Len(t, curves[i].Points, len(axis.Values))
		for n, p := range curves[i].Points {
			require.Equal(t, axis.Values[n], p.Value)
			require.Equal(t, map[string]int{"VALID": 61}, p.Commit.Outcomes)
			require.Equal(t, 61, p.Commit.Count)
			require.Greater(t, p.Commit.TPS, 0.0)
			require.Len(t, p.Commit.Processes, 1)
			require.Nil(t, p.Endorse)
			channels := 1
			if axis.Name == "channels" {
				channels = p.Value
			}
			for round := 1; round <= 2; round++ {
				want = append(want, fmt.Sprintf("%s %d commit %d on %d", axis.Name, p.Value, round, channels))
			}
		}
	}
	require.Equal(t, want, measured)
	require.Contains(t, told, "keys 3000, filling the state: true")
	require.Contains(t, told, "channels 2, making blocks: true")
	require.Contains(t, told, "channels 2, committing: true")
	for _, left := range []string{"data/ledgersData", "blocks"} {
		require.NoDirExists(t, filepath.Join(g.Dir, left))
	}

	var table, page strings.Builder
	require.NoError(t, WriteCurves(&table, curves...))
	require.Contains(t, table.String(), "distinct signers  commit, tx/s")
	require.NoError(t, WriteGrowthHTML(&page, curves...))
	require.Equal(t, len(curves), strings.Count(page.String(), `<svg xmlns`))
	require.Contains(t, page.String(), "<h2>commit, channels 2</h2>")
	raw, err := json.Marshal(curves)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"axis":"keys","title":"keys in the state","base":{"keys":200,`)
}

func TestGrowthEndsAtTheFirstError(t *testing.T) {
	g := &Growth{Dir: t.TempDir(), Quick: true, Count: 1, Rounds: 1, Endorsements: 3, Log: slog.New(slog.DiscardHandler)}
	_, err := g.Run(t.Context(), Axes(true)...)
	require.EqualError(t, err, "keys 100: a transaction has from 1 to 2 endorsements, not 3")

	g = &Growth{Dir: t.TempDir(), Quick: true, Count: 1, Rounds: 1, Endorsements: 1, Log: slog.New(slog.DiscardHandler)}
	g.Profile = func(string) (func() error, error) { return func() error { return errors.New("no room") }, nil }
	_, err = g.Run(t.Context(), Axes(true)...)
	require.EqualError(t, err, "keys 100: committing: no room")
	require.NoDirExists(t, filepath.Join(g.Dir, "data", "ledgersData"))
}

func TestPlot(t *testing.T) {
	at := func(tps, cpu float64) *Result { return &Result{TPS: tps, Processes: []Usage{{CPU: cpu}}} }
	c := &Curve{Axis: "keys", Title: "keys", Points: []Point{
		{Value: 10_000, Commit: at(9000, 100), Endorse: at(2000, 0.25)},
		{Value: 10_000_000, Commit: at(12_345, 50), Endorse: at(13_000, 60)},
	}}
	var picture strings.Builder
	require.NoError(t, c.WriteSVG(&picture))
	texts := svgTexts(t, picture.String())
	require.Equal(t, []string{
		"Rates with more and more keys",
		"per second", "0", "5,000", "10 k", "15 k", "10 k", "10 M", "keys", "9,000", "12,345", "commit", "2,000", "13 k", "endorse",
		"processor µs each", "0", "20", "40", "60", "80", "100", "10 k", "10 M", "keys", "100", "50", "commit", "0", "60", "endorse",
	}, texts)
	// From the first value at the left to the last at the right, from nothing at the bottom; of two values at a place, the upper one has its label
	// above.
	require.Contains(t, picture.String(), `points="24.0,72.0 276.0,31.9 "`)
	require.Contains(t, picture.String(), `<text x="276.0" y="31.9" dy="18">12,345</text>`)
	require.Contains(t, picture.String(), `<text x="276.0" y="24.0" dy="-9">13 k</text>`)

	alone := &Curve{Title: "blocks", Points: []Point{{Value: 1, Commit: at(0, 0)}}}
	picture.Reset()
	require.NoError(t, alone.WriteSVG(&picture))
	require.NotContains(t, svgTexts(t, picture.String()), "endorse")
	require.NotContains(t, picture.String(), "NaN")
}

// svgTexts are the titles and texts of a well-formed picture.
func svgTexts(t *testing.T, picture string) []string {
	t.Helper()
	var texts []string
	within := ""
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			within = token.Name.Local
		case xml.EndElement:
			within = ""
		case xml.CharData:
			if within == "text" || within == "title" {
				texts = append(texts, string(token))
			}
		}
	}
}
