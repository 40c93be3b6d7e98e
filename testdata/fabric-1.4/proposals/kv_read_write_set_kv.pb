

last-eventproposal-vector