"ômessage 500payload*[
 §qôôííûú=ãßw^µ|Ohnt‰nÕÇçZcWEA7

lscc


kvômessage 500payload"kv