
kv