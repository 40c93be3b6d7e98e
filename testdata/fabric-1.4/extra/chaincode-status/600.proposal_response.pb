"Ømessage 600payload*[
 ÚìiÏòè!,SQfhÒëÄNÔİßAm!`6 hê×‡%b7

lscc


kvØmessage 600payload"kv