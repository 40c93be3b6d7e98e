"+ô&invalid number of arguments to lscc: 2*Y
 ¶i64HI«)@~âò8`Ò ğê+ÕœøĞ;¼‹ÏX5+ô&invalid number of arguments to lscc: 2"lscc