package logging

import (
	"io"
	"log/slog"
	"testing"
	"time"
)

// BenchmarkLine measures a line such as the endorser writes for every proposal.
func BenchmarkLine(b *testing.B) {
	for _, format := range []string{"", "json", "logfmt"} {
		name := format
		if name == "" {
			name = "console"
		}
		b.Run(name, func(b *testing.B) {
			logs, err := New(io.Discard, format, "info")
			if err != nil {
				b.Fatal(err)
			}
			log := logs.Named("endorser")
			b.ReportAllocs()
			for b.Loop() {
				log.Log(b.Context(), slog.LevelInfo, "Proposal processed", "channel", "mychannel", "txid", "0c8317b9", "chaincode", "load", "status", int32(200),
					"message", "", "took", 4928807*time.Nanosecond)
			}
		})
	}
}
