
3
1kv'
event
proposal-vector
event payload;
note3transient data is not hashed into the proposal hash