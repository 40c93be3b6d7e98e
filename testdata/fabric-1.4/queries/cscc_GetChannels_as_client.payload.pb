


errchannel

	mychannel

otherchannel