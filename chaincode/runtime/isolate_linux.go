package runtime

import (
	"os"
	"strconv"
	"syscall"
)

// isolated puts a child in a process group of its own and ties its life to the peer's.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// closeOnExec keeps files from children that the peer itself got from whoever started it; what Go opens is kept from them anyway.
func closeOnExec() {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // no /proc: nothing to find out
	}
	for _, f := range open {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
