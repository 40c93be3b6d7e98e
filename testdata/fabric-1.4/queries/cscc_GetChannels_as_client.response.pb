"0È+


errchannel

	mychannel

otherchannel