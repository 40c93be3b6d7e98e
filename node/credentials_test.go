package node

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/measured"
	"github.com/heddleledger/heddle/logging"
)

// TestExpiry: the log warns once a day in the last week, and a metric counts down.
func TestExpiry(t *testing.T) {
	var log bytes.Buffer
	logs, err := logging.New(&log, "%{level} %{message}", "")
	require.NoError(t, err)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newCredentials(logs, week)
	c.now = func() time.Time { return now }
	end := now.Add(10 * 24 * time.Hour)
	require.NoError(t, c.add("enrollment", func() (time.Time, error) { return end, nil }))
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)

	told := map[int]string{}
	for hour := range 12 * 24 {
		log.Reset()
		c.look()
		if log.Len() > 0 {
			told[hour] = strings.TrimSpace(log.String())
		}
		now = now.Add(time.Hour)
	}
	want := map[int]string{}
	for day := 3; day < 10; day++ {
		want[day*24+1] = "The enrollment certificate expires within"
	}
	want[10*24+1] = "The enrollment certificate has expired"
	want[11*24+1] = want[10*24+1]
	require.Len(t, told, len(want), "%v", told)
	for hour, text := range want {
		require.Contains(t, told[hour], text, "hour %d", hour)
	}
	require.Contains(t, told[3*24+1], "expires within 6 days and 23 hours; replace its files, no restart is needed")
	require.Equal(t, -2*24*3600.0, measured.Samples(t, r)["heddle_certificate_remaining_seconds enrollment"])
}
