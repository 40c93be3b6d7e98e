package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxReasons bounds how many different reasons of failures a worker keeps.
const maxReasons = 20

// tally is what one worker has seen.
type tally struct {
	began     time.Time
	latencies *hdrhistogram.Histogram // µs
	outcomes  map[string]int
	reasons   map[string]int
	failed    int
	perSecond []int // operations done, by the second they ended in
}

func newTally(began time.Time) *tally {
	return &tally{
		began: began, latencies: hdrhistogram.New(1, (10 * time.Minute).Microseconds(), 3),
		outcomes: map[string]int{}, reasons: map[string]int{},
	}
}

// count enters an operation that was due at one time and ended at another.
func (t *tally) count(ended, due time.Time, outcome string, err error) {
	if err != nil {
		t.failed++
		t.reason(err.Error(), 1)
		return
	}
	t.outcomes[outcome]++
	_ = t.latencies.RecordValue(min(max(1, ended.Sub(due).Microseconds()), t.latencies.HighestTrackableValue()))
	t.atSecond(int(ended.Sub(t.began)/time.Second), 1)
}

func (t *tally) reason(text string, times int) {
	if _, known := t.reasons[text]; !known && len(t.reasons) >= maxReasons {
		text = "others"
	}
	t.reasons[text] += times
}

func (t *tally) atSecond(second, operations int) {
	for len(t.perSecond) <= second {
		t.perSecond = append(t.perSecond, 0)
	}
	t.perSecond[second] += operations
}

// add takes what another worker has seen.
func (t *tally) add(o *tally) {
	t.latencies.Merge(o.latencies)
	t.failed += o.failed
	for outcome, n := range o.outcomes {
		t.outcomes[outcome] += n
	}
	for reason, n := range o.reasons {
		t.reason(reason, n)
	}
	for second, n := range o.perSecond {
		t.atSecond(second, n)
	}
}

func (t *tally) result(took time.Duration) *Result {
	r := &Result{Failed: t.failed, Seconds: took.Seconds(), Outcomes: t.outcomes, Reasons: t.reasons, PerSecond: t.perSecond}
	for _, n := range t.outcomes {
		r.Count += n
	}
	r.TPS = float64(r.Count) / took.Seconds()
	ms := func(µs int64) float64 { return float64(µs) / 1000 }
	at := func(q float64) float64 { return ms(t.latencies.ValueAtQuantile(q)) }
	r.Latency = Latency{P50: at(50), P95: at(95), P99: at(99), P999: at(99.9), Max: ms(t.latencies.Max())}
	for q := 0.0; q < 100 && t.latencies.TotalCount() > 0; q++ {
		r.Quantiles = append(r.Quantiles, at(q))
	}
	return r
}
