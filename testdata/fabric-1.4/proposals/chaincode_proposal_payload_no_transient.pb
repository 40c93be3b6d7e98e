
3
1kv'
event
proposal-vector
event payload