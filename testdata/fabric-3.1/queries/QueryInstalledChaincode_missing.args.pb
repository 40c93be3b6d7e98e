
no:1