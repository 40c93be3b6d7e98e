//go:build !linux

package runtime

import "syscall"

// isolated puts a child in a process group of its own. Only Linux can also tie its life to the peer's.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// closeOnExec does nothing: there is no common way to list open files.
func closeOnExec() {}
