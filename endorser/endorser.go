package endorser

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Options are what an endorser works with. All fields up to Channel are needed.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Signer    func() tx.Signer // signs an endorsement; asked for each, since certificates are renewed
	Local     *msp.Manager     // the peer's own MSP alone: who may ask for something outside channels
	ACL       *acl.Checker
	Packages  *pack.Store
	Chaincode *chaincode.Support
	// Channel gives the present configuration and the ledger of a joined channel.
	Channel func(id string) (*channelconfig.Bundle, *ledger.Ledger, bool)

	Filters    []plugin.AuthFilter // asked in order, before the endorser's own checks
	Decorators []plugin.Decorator  // applied in order
	// Endorsements are the plugins that endorse, by the name that a chaincode's definition has for one; nil stands for the default one, as escc.
	Endorsements map[string]plugin.Endorsement
	Metrics      *Metrics
}

// Server is the gRPC service protos.Endorser.
type Server struct {
	peerpb.UnimplementedEndorserServer
	o         Options
	described perSecond
}

// New returns an endorser. How many proposals may run at once is a limit of the gRPC server it is registered with.
func New(o Options) *Server {
	if o.Endorsements == nil {
		o.Endorsements = map[string]plugin.Endorsement{defaultESCC: plugin.DefaultEndorsement{}}
	}
	return &Server{o: o}
}

// defaultESCC is the name of the plugin that endorses what system chaincodes answer.
const defaultESCC = "escc"

// ProcessProposal checks, simulates and endorses.
func (s *Server) ProcessProposal(ctx context.Context, signed *peerpb.SignedProposal) (*peerpb.ProposalResponse, error) {
	s.o.Metrics.proposal()
	r, err := s.check(ctx, signed)
	if err != nil {
		s.o.Metrics.refused(r, reason(err))
		s.logRefusal(ctx, r, err)
		return nil, status.Error(codes.Unknown, err.Error())
	}
	started := s.o.Now()
	response, err := s.process(ctx, r)
	if err != nil {
		// The text may quote what a chaincode sent; as a field of a message it has to be UTF-8.
		text := strings.ToValidUTF8(err.Error(), "\uFFFD")
		response = &peerpb.ProposalResponse{Response: &peerpb.Response{Status: failed, Message: text}}
	}
	took := s.o.Now().Sub(started)
	level, ok := slog.LevelInfo, response.Response.Status < refused
	if !ok {
		level = slog.LevelWarn
	}
	s.o.Metrics.done(r, ok, err == nil, took)
	s.o.Log.LogAttrs(ctx, level, "Proposal processed", slog.String("channel", r.channelID()), slog.String("txid", short(r.txID())),
		slog.String("chaincode", r.id.Name), slog.Int("status", int(response.Response.Status)), slog.String("message", response.Response.Message),
		slog.Duration("took", took))
	return response, nil
}

// process runs an accepted proposal.
func (s *Server) process(ctx context.Context, r *request) (*peerpb.ProposalResponse, error) {
	if err := r.Open(); err != nil {
		return nil, err
	}
	result, err := s.simulate(ctx, r)
	if err != nil {
		return nil, err
	}
	switch st := result.response.Status; {
	case st >= failed:
		return result.unsigned(r)
	case st >= refused || r.channelID() == "":
		return &peerpb.ProposalResponse{Response: result.response}, nil
	default:
		return s.endorse(ctx, r, result)
	}
}

// From these statuses of a chaincode's response on, Fabric does not endorse, and takes it for an error.
const (
	refused = 400
	failed  = 500
)

func short(txid string) string { return txid[:min(8, len(txid))] }
