"0ô+could not find chaincode with name 'nosuch'*t
 €ìP#ö0qÏyiøÀßĞ^*`¨(2€§ÕÇØ´ºP

lscc


nosuch0ô+could not find chaincode with name 'nosuch'"lscc