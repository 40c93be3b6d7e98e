
nosuch