package peer

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// ordererFlags are the flags that say how to reach an orderer.
type ordererFlags struct {
	address                               string
	tls, clientAuth                       bool
	caFile, certFile, keyFile, serverName string
	timeout, timeShift                    time.Duration
}

func (f *ordererFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.address, "orderer", "o", "", "Ordering service endpoint")
	flags.BoolVar(&f.tls, "tls", false, "Use TLS when communicating with the orderer endpoint")
	flags.StringVar(&f.caFile, "cafile", "", "Path to file containing PEM-encoded trusted certificate(s) for the ordering endpoint")
	flags.BoolVar(&f.clientAuth, "clientauth", false, "Use mutual TLS when communicating with the orderer endpoint")
	flags.StringVar(&f.certFile, "certfile", "", "Path to file containing PEM-encoded X509 public key to use for mutual TLS communication with the orderer endpoint")
	flags.StringVar(&f.keyFile, "keyfile", "", "Path to file containing PEM-encoded private key to use for mutual TLS communication with the orderer endpoint")
	flags.StringVar(&f.serverName, "ordererTLSHostnameOverride", "", "The hostname override to use when validating the TLS connection to the orderer")
	flags.DurationVar(&f.timeout, "connTimeout", 3*time.Second, "Timeout for client to connect")
	flags.DurationVar(&f.timeShift, "tlsHandshakeTimeShift", 0, "The amount of time to shift backwards for certificate expiration checks during TLS handshakes with the orderer endpoint")
}

// given tells whether the flags name an orderer.
func (f *ordererFlags) given() bool { return len(strings.Split(f.address, ":")) == 2 }

// required refuses a command that needs an orderer and was given none.
func (f *ordererFlags) required() error {
	if !f.given() {
		return fmt.Errorf("ordering service endpoint %s is not valid or missing; give it with -o host:port", f.address)
	}
	return nil
}
