

	mychannel

otherchannel


errchannel