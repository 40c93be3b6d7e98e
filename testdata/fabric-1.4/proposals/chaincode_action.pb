
;%
kv

last-eventproposal-vector
lscc


kvDf
kv@9a1aa3157700d52c6f19ba130e4cf5a14662799c9b3e9e3e04279a75ec9bb470proposal-vector"event payloadÈ"	kv2.0