// Package policy says whether a set of signatures is enough: signature policies (so many of these principals), implicit
// meta policies (so many of the sub-groups' policies), and the policy language that writes signature policies down.
//
// Invariants:
//   - Evaluation is a pure function of the policy, the signatures and the MSPs. Every peer must reach the same answer, so
//     the order in which branches use up identities is part of the rules: all rules of an inner gate are tried, left to
//     right, even when enough have passed, and one identity stands for at most one principal on the way.
//   - An identity counts once however often it signed. On a channel with 1.4 rules its first signature alone is looked at,
//     so a bad signature in front of a good one by the same identity spoils both; with VerifyFirst (2.x rules) bad
//     signatures are dropped before repeated identities are.
//   - A signature is verified only when a principal that its identity satisfies asks for it, and, if its SignedData was
//     made by Remember, at most once however many policies look at it. Validation verifies such data ahead of time and in
//     parallel; the policy then finds the outcome.
//   - 0 out of 0 is satisfied by anything; a group without a policy of the wanted name counts as one that refuses.
//
// The rules, the bytes that Parse produces, and the error texts are Fabric 1.4.12's.
package policy
