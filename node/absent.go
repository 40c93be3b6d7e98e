package node

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refuseAbsent answers for services that clients of Fabric ask peers for and that are not here. The status is the one that gRPC itself has
// for an unknown service; the text, which client libraries pass on, says what to do.
func refuseAbsent(server *grpc.Server) {
	for _, absent := range []struct {
		service string
		methods []string
		text    string
	}{
		{"discovery.Discovery", []string{"Discover"}, "this peer has no discovery service: tell the client to work without discovery, " +
			"with the peers and orderers that its connection profile names"},
		{"gateway.Gateway", []string{"Endorse", "Submit", "CommitStatus", "Evaluate", "ChaincodeEvents"}, "this peer has no gateway service, " +
			"which came with Fabric 2.4: use a client library of Fabric 1.4 or 2.2"},
	} {
		refusal := status.Error(codes.Unimplemented, absent.text)
		desc := grpc.ServiceDesc{ServiceName: absent.service, HandlerType: (*any)(nil)}
		for _, method := range absent.methods {
			desc.Streams = append(desc.Streams, grpc.StreamDesc{
				StreamName: method, ClientStreams: true, ServerStreams: true,
				Handler: func(any, grpc.ServerStream) error { return refusal },
			})
		}
		server.RegisterService(&desc, nil)
	}
}
