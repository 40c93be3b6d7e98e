package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// logSignals writes what the process is told by signals into the log, until ctx ends: SIGINT and SIGTERM, which end ctx elsewhere, and SIGUSR1,
// which asks for the stacks of all goroutines, as with Fabric's nodes.
func logSignals(ctx context.Context, g *errgroup.Group, log *slog.Logger) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1)
	report := func(s os.Signal) {
		log.Info(fmt.Sprintf("Received signal: %d (%s)", s, s))
		if s != syscall.SIGUSR1 {
			return
		}
		var stacks strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
			log.Error("The goroutines cannot be listed", "error", err)
			return
		}
		log.Info("Go routines report:\n" + stacks.String())
	}
	g.Go(func() error {
		for {
			select {
			case s := <-signals:
				report(s)
			case <-ctx.Done():
				signal.Stop(signals) // what was delivered before, the signal that ended ctx perhaps, is in the channel now
				for len(signals) > 0 {
					report(<-signals)
				}
				return nil
			}
		}
	})
}
