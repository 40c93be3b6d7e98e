

kvD