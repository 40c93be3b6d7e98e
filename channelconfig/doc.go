// Package channelconfig turns a channel's configuration tree into a Bundle, and decides which changes to the tree are allowed.
//
// A configuration is a tree of groups; each group has values, policies and further groups, and every element has a version and the name
// of the policy that must be satisfied to change it. New reads a whole tree, checks it, and gives the immutable Bundle that everything
// else on a channel asks: MSPs, policies, orderer and application settings.
//
// A change travels as a ConfigUpdate: a read set (elements and versions it builds on), a write set (elements as they shall be) and
// signatures. ProposeUpdate authorizes one against the current tree and gives the next whole tree; Validate does the same and compares
// the outcome with a tree that somebody else, the orderer, computed. Neither looks at what the new settings mean: Next does, and must be
// called before a new tree is taken into use. ComputeUpdate goes the other way, from two trees to an update.
//
// Invariants: a Bundle and everything reached through it is read-only; of two elements that break a rule, the same one is reported
// every time (names are walked in order); error texts are those of Fabric 1.4.12, which clients match on. New accepts configurations
// that require capabilities this build does not have, so that tools can read them; OrdererSupports and PeerSupports refuse them.
package channelconfig
