"zôufailed to invoke backing implementation of 'QueryInstalledChaincode': could not find chaincode with package id 'no:1'*¶
 áÞY¨‰^¸\öœ®dvŸyŒ3Bý5C	‡òCt×‘zôufailed to invoke backing implementation of 'QueryInstalledChaincode': could not find chaincode with package id 'no:1'"
_lifecyclesyscc