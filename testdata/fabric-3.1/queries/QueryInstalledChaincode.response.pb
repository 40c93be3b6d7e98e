"‚È}
Gkv_1.0:c33f197d860d0819b10cded0f0acbd1043fedaec742d7541b39caf987372aaeakv_1.0*
	mychannel
	
kv2.0

	needsinit1.0