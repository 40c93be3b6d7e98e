"-פ(invalid function to lscc: nosuchfunction*[
 ‰ßORq׳DÿָּHlÝװLHW©חל»¡ƒֶ¡HƒֱÙ7-פ(invalid function to lscc: nosuchfunction"lscc