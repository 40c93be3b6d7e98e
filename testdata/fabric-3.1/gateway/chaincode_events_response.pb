
d
kv@eb35813c9a0937a4ffe7ef5fa70bc78ad0f52a6f3ea73a25448a7639ba645a11gw"sent through the gateway