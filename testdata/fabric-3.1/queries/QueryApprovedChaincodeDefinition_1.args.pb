
kv