"6ô1collections config not defined for chaincode both*ƒ
 ·U>l\c˜ÈüHø9¡íMÁçgÄùe]È±ëı_

lscc

both~collection6ô1collections config not defined for chaincode both"lscc