package confine

import (
	"debug/elf"
	"errors"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// What every program may read: certificates, names of hosts and time zones.
var (
	commonFiles = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime"}
	commonDirs  = []string{
		"/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted",
		"/usr/share/zoneinfo",
	}
	devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"}

	// libraryDirs and libraryFiles are what a dynamically linked program needs.
	libraryDirs  = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"}
	libraryFiles = []string{"/etc/ld.so.cache"}
)

// Versions of the Landlock ABI.
const (
	abiRefer = 2  // files can be moved between folders
	abiTCP   = 4  // TCP connections can be restricted
	abiScope = 6  // so can signals and abstract sockets
	abiUDP   = 10 // and UDP
)

// landlockABI is the kernel's version of Landlock, 0 if it has none.
func landlockABI() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return v
}

// landlock restricts this process to what s grants, as far as the kernel can.
func (s *Spec) landlock(program string) error {
	abi := landlockABI()
	own := landlock.RWDirs(append([]string{s.Dir}, s.Write...)...)
	if abi >= abiRefer {
		own = own.WithRefer()
	}
	rules := []landlock.Rule{
		own,
		landlock.ROFiles(program),
		landlock.RWFiles(devices...).IgnoreIfMissing(),
		landlock.ROFiles(commonFiles...).IgnoreIfMissing(),
		landlock.RODirs(commonDirs...).IgnoreIfMissing(),
	}
	if isDynamic(program) {
		rules = append(rules, landlock.RODirs(libraryDirs...).IgnoreIfMissing(), landlock.ROFiles(libraryFiles...).IgnoreIfMissing())
	}
	for _, path := range s.Read {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			rules = append(rules, landlock.RODirs(path))
		default:
			rules = append(rules, landlock.ROFiles(path))
		}
	}
	all := landlock.V11.BestEffort()
	if s.Open {
		return errors.Join(all.RestrictPaths(rules...), all.RestrictScoped())
	}
	for _, port := range s.Ports {
		rules = append(rules, landlock.ConnectTCP(port))
	}
	if abi >= abiUDP && s.Lookup {
		rules = append(rules, landlock.BindUDP(0), landlock.ConnectSendUDP(dnsPort))
	}
	return all.Restrict(rules...)
}

const dnsPort = 53

// isDynamic tells whether a program names an interpreter, which loads its libraries.
func isDynamic(program string) bool {
	f, err := elf.Open(program)
	if err != nil {
		return false // a script, whose toolchain is told, or nothing that can be run
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

// Missing names what this kernel, or being root, keeps from being enforced of a specification.
func Missing(s *Spec) []string {
	return s.missing(landlockABI(), canFilter(), os.Getuid() == 0)
}

func (s *Spec) missing(abi int, filters, root bool) []string {
	var missing []string
	switch {
	case abi == 0:
		missing = append(missing, "access to files, TCP connections, signals to other processes (the kernel has no Landlock, or does not enable it at boot)")
	case abi < abiTCP:
		missing = append(missing, "TCP connections (Landlock can since Linux 6.7)", "signals to other processes (since Linux 6.12)")
	case abi < abiScope:
		missing = append(missing, "signals to other processes (Landlock can since Linux 6.12)")
	}
	switch {
	case !filters:
		missing = append(missing, "sockets other than TCP (the kernel has no seccomp filters, or there is none for this architecture)")
	case s.Lookup && abi < abiUDP:
		missing = append(missing, "UDP (the peer's chaincode address is a name, which is looked up in DNS; an IP address needs no UDP)")
	}
	if s.Limits.Processes > 0 && root {
		missing = append(missing, "the number of processes (root is not held to it; run the peer as another user)")
	}
	return missing
}
