"Dô?Failed to get block number 9999, error Entry not found in index*r
 mİ˜-Ğ»!S9oØİmŠ=Iw Ô9ûŸ`¸İÎNDô?Failed to get block number 9999, error Entry not found in index"qscc