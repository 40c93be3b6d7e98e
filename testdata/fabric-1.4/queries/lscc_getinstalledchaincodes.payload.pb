
=
both1.0example.com/kv: aÁËò¹g^•ª¬èŒ|±Ñ¹½€<6<§´Ü
~¢ò
=
both2.0example.com/kv: ,Ýéÿ4'Ü¥”]¬ðô9‹öÀˆ•öáj˜B›”3cÅ;
;
kv1.0example.com/kv: yÓ (©®æ‘¯‹™‘S¶ÑgÊ»•ØÄŠ¢—’É—¼à
A
kv2.0example.com/other/kv: ?°Pô¨OWÂ«Ê¬B>ä{›É‘…`´Ô¦Lf]^
=
race1.0example.com/kv: €¿b²hìY¹Ž
ôM{XðK*eéºBÊ±ˆ¥D	*