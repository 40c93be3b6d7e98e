
'
both2.0example.com/kv*escc2vscc
+
kv2.0example.com/other/kv*escc2vscc
'
race1.0example.com/kv*escc2vscc