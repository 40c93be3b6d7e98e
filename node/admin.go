package node

import (
	"context"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/admin"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// serveAdmin adds the Admin service to the peer's own server or, if peer.adminService.listenAddress names a port of its own, serves it there,
// under the same TLS.
func (p *peer) serveAdmin(ctx context.Context, g *errgroup.Group, own *grpc.Server) error {
	service := admin.New(admin.Options{
		Authorize: func(request policy.SignedData) error { return p.acl.CheckLocal(acl.Admins, request) },
		Levels:    p.logs, Now: time.Now, Log: p.logs.Named("server"),
	})
	address := p.conf.Peer.AdminService.ListenAddress
	if !separate(address, p.conf.Peer.ListenAddress) {
		peerpb.RegisterAdminServer(own, service)
		return nil
	}
	server := comm.NewServer(p.serverOptions())
	peerpb.RegisterAdminServer(server, service)
	return serve(ctx, g, "administrators", "peer.adminService.listenAddress", address, server, p.logs.Named("nodeCmd"))
}

// separate tells whether an address is another listener than the peer's. As in Fabric, the port decides.
func separate(address, peers string) bool {
	_, port, err := net.SplitHostPort(address)
	_, own, ownErr := net.SplitHostPort(peers)
	return err == nil && ownErr == nil && port != own
}
