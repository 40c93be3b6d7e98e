
	mychannel"