package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// ledgersDir is where a peer keeps its channels.
func ledgersDir(conf *config.Core) string {
	return filepath.Join(conf.Peer.FileSystemPath, "ledgersData")
}

// ResetPeer takes all channels of a peer that does not run back to their first blocks.
func ResetPeer(ctx context.Context, conf *config.Core, logs *logging.Logs) error {
	return offline(ctx, conf, logs, func() error { return channel.Reset(logs.Named("kvledger"), ledgersDir(conf)) })
}

// RollbackPeer takes one channel of a peer that does not run back to its block n.
func RollbackPeer(ctx context.Context, conf *config.Core, logs *logging.Logs, id string, n uint64) error {
	return offline(ctx, conf, logs, func() error { return channel.Rollback(logs.Named("kvledger"), ledgersDir(conf), id, n) })
}

// offline does something with the data of a peer, which must not run meanwhile.
func offline(ctx context.Context, conf *config.Core, logs *logging.Logs, do func() error) (err error) {
	held, err := lock(ctx, logs.Named("nodeCmd"), "peer.fileSystemPath", conf.Peer.FileSystemPath, thisProcess("a command that rolls ledgers back"))
	if errors.Is(err, errInUse) {
		return fmt.Errorf("as another peer node command is executing, wait for that command to complete its execution or terminate it before retrying: %w", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	return do()
}

// rebuilding is the Endorser service of a peer that refuses everything while channels that were rolled back catch up: what it would
// endorse until then is out of date.
type rebuilding struct {
	peerpb.EndorserServer
	done atomic.Bool
}

// ProcessProposal implements protos.Endorser.
func (r *rebuilding) ProcessProposal(ctx context.Context, p *peerpb.SignedProposal) (*peerpb.ProposalResponse, error) {
	if !r.done.Load() {
		return nil, errors.New("endorse requests are blocked while ledgers are being rebuilt") // Fabric's text
	}
	return r.EndorserServer.ProcessProposal(ctx, p)
}

// whenRebuilt is next, from the moment on when every channel has the blocks again that it lost by a rollback.
func (p *peer) whenRebuilt(ctx context.Context, g *errgroup.Group, next peerpb.EndorserServer) peerpb.EndorserServer {
	former := p.channels.FormerHeights()
	if len(former) == 0 {
		return next
	}
	log := p.logs.Named("nodeCmd")
	for id, height := range former {
		log.InfoContext(ctx, "Ledger rebuild: endorsement requests are refused until the channel has its blocks again", "channel", id, "height", height)
	}
	r := &rebuilding{EndorserServer: next}
	g.Go(func() error {
		if err := p.channels.Rebuilt(ctx); err != nil {
			if ctx.Err() == nil {
				log.WarnContext(ctx, "Ledger rebuild: endorsement requests stay refused until the peer is started again", "error", err)
			}
			return nil
		}
		log.InfoContext(ctx, "Ledger rebuild: complete, endorsement requests are answered")
		r.done.Store(true)
		return nil
	})
	return r
}
