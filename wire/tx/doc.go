// Package tx parses proposals and transactions once, at the door, and keeps their bytes; and builds them on the client's side.
//
// A message is opened in two steps. Parse (ParseProposal, ParseEnvelope, ParseTransaction) decodes what is needed to know who speaks
// and to which channel; Open decodes the body, for callers that have authenticated the creator. Every slice of a parsed value aliases
// the bytes it came from: nothing is encoded again, so what was signed is what is verified.
//
// Parsing checks structure only. Signatures, policies and the rules of a channel belong to the packages above.
package tx
