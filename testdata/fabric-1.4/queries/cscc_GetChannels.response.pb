"0È+

	mychannel

otherchannel


errchannel