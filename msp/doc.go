// Package msp decides who an X.509 certificate is: membership service providers, identities, principals, and signing.
//
// An MSP is one organization's rules: which certificate authorities it trusts, what it has revoked, which organizational
// units it requires, and who administers it. It is built once, from a directory (LoadDir) or from a channel's
// configuration, and never changes; a configuration update makes new MSPs. A Manager holds the MSPs of one channel and
// remembers the identities it has parsed.
//
// Invariants:
//   - An Identity belongs to exactly one MSP value and is immutable. What is expensive to learn about it (its
//     certification chain, whether it is valid, which principals it satisfies) is computed at most once and kept in it.
//   - Time plays no part in deciding who somebody is: a chain is verified one second after the leaf's own NotBefore, so
//     every peer gives the same answer whenever it replays a block. Whoever must refuse expired certificates asks
//     ExpiresAt. Only loading one's own signing identity looks at a clock.
//   - A certificate of a known CA may carry a high-S signature: it is rewritten to low S before anything is compared or
//     hashed, so both spellings are one identity. A message signature must be low-S.
//   - Nothing here panics on outside bytes; a certificate that is not ECDSA-signed by a known CA may parse, but never
//     validates.
//
// The rules and the error texts are Fabric 1.4.12's; the Version of an MSP says which of its capability levels applies.
package msp
