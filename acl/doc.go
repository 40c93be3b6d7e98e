// Package acl decides whether the sender of a request may use a resource of the peer.
//
// A resource is a name such as "qscc/GetBlockByNumber". Channel resources need a policy of the channel: the one that the channel's
// configuration lists under ACLs, else Fabric's default. Peer-wide resources need a role in the peer's own MSP, and only that MSP counts.
//
// Invariants: a resource without a policy is refused; a channel the peer has not joined is refused; every check verifies the
// signature over the request, not only the sender's role.
package acl
