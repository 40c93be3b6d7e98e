¦
	mychannel"–
@d51378d9b2f18eef9d25bbc39c98d21bd1131d34e0eb7f752acd578f2fc7ca19"P
N
L
kv@d51378d9b2f18eef9d25bbc39c98d21bd1131d34e0eb7f752acd578f2fc7ca19sold