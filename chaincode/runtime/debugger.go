package runtime

// Debugger is Delve, waiting for clients while the chaincode runs.
type Debugger struct {
	Chaincode     string // name of the chaincode to debug
	Path          string // of dlv
	ListenAddress string // host:port
}

// command is the command line that runs binary, which goes on at once and whenever a client leaves.
func (d *Debugger) command(binary string, arguments ...string) []string {
	return append([]string{
		d.Path, "exec", "--headless", "--api-version=2", "--accept-multiclient", "--continue", "--listen=" + d.ListenAddress, binary, "--",
	}, arguments...)
}
