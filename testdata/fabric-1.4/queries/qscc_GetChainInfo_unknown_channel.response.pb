" ôInvalid chain ID, nochannel*N
 …ŞÜŠêşm£‹ÇıKEˆHı²SaÎ\ª=©¤J* ôInvalid chain ID, nochannel"qscc