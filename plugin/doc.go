// Package plugin is how a build of one's own adds to a peer: auth filters, decorators, endorsement plugins, validation plugins, and
// chaincode that runs inside the peer.
//
// Fabric loads such code from shared objects. Here it is compiled in: a main package hands a Registry to package cli, and core.yaml names
// what is used, as with Fabric. samples/custompeer is a whole example.
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
//		defer stop()
//		plugins := plugin.Registry{AuthFilters: map[string]plugin.AuthFilter{"OfficeHours": officeHours{}}}
//		os.Exit(cli.Run(ctx, os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), Plugins: plugins}))
//	}
//
//	peer:                                        # core.yaml
//	  handlers:
//	    authFilters: [{name: DefaultAuth}, {name: ExpirationCheck}, {name: OfficeHours}]
//	    decorators: [{name: DefaultDecorator}]
//	    endorsers: {escc: {name: DefaultEndorsement}, notary: {name: Notary}}
//	    validators: {vscc: {name: DefaultValidation}, weekly: {name: Weekly}}
//
// The keys of endorsers and validators are what a chaincode is instantiated with: peer chaincode instantiate -E notary -V weekly. Without
// the section a peer has what Fabric's sample file lists.
//
// Plugins are part of the peer and are trusted as it is. One value of each serves all channels and many requests at once, so its methods
// must be safe for concurrent use. Every peer of a channel must have the validation plugins of the channel's chaincodes, and they must
// give the same answer everywhere: from the request alone, not from time, chance or anything that this peer has and others do not.
package plugin
