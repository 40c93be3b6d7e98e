package confine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// resource is one limit as the kernel takes it.
type resource struct {
	name     string
	resource int
	unix.Rlimit
}

// resources are the limits as the kernel takes them. Memory is that of data, not of addresses: Go, Node and Java reserve far more addresses
// than they ever use; the kernel may let one piece more pass, where it replaces a reservation. Nothing is raised above what this process may have itself.
func (l Limits) resources() ([]resource, error) {
	all := []resource{{name: "core dumps", resource: unix.RLIMIT_CORE}}
	add := func(name string, number int, limit uint64) error {
		var own unix.Rlimit
		if err := unix.Getrlimit(number, &own); err != nil {
			return fmt.Errorf("reading the limit of its %s: %w", name, err)
		}
		limit = min(limit, own.Max)
		all = append(all, resource{name, number, unix.Rlimit{Cur: limit, Max: limit}})
		return nil
	}
	if l.Memory > 0 {
		if err := add("memory", unix.RLIMIT_DATA, uint64(l.Memory)); err != nil {
			return nil, err
		}
	}
	if l.Files > 0 {
		if err := add("open files", unix.RLIMIT_NOFILE, uint64(l.Files)); err != nil {
			return nil, err
		}
	}
	if l.Processes > 0 && os.Getuid() != 0 { // the kernel counts by user, and does not hold root to it
		if err := add("processes", unix.RLIMIT_NPROC, uint64(l.Processes+threads())); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// threads counts the threads of this user, as far as they can be seen.
func threads() int {
	uid, n := strconv.Itoa(os.Getuid()), 0
	processes, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is fine
	for _, p := range processes {
		status, err := os.ReadFile(p)
		if err != nil {
			continue // it has ended
		}
		if fields := strings.Fields(field(string(status), "Uid:")); len(fields) == 0 || fields[0] != uid {
			continue
		}
		if t, err := strconv.Atoi(field(string(status), "Threads:")); err == nil {
			n += t
		}
	}
	return n
}

// field is what stands after name in the lines of a file in /proc.
func field(status, name string) string {
	_, rest, _ := strings.Cut(status, "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
