package confine

import (
	"errors"

	"golang.org/x/sys/unix"
)

// dropCapabilities gives up every capability of this thread, also those that a root user gets back by exec.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var held [2]unix.CapUserData
	if err := unix.Capget(&header, &held[0]); err != nil {
		return err
	}
	if held == ([2]unix.CapUserData{}) {
		return nil
	}
	if held[0].Effective&(1<<unix.CAP_SETPCAP) != 0 {
		for c := range uintptr(64) {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); errors.Is(err, unix.EINVAL) {
				break // the kernel knows no more
			} else if err != nil {
				return err
			}
		}
		if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

// noRoot is SECBIT_NOROOT and its lock: being root gives no capabilities.
const noRoot = 1<<0 | 1<<1
