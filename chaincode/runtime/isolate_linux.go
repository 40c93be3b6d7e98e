package runtime

import "syscall"

// isolated puts a child in a process group of its own and ties its life to the peer's.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
