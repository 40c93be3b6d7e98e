%
kv

last-eventproposal-vector
lscc


kvD