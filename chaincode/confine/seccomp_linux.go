package confine

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// architectures are the kernel's names for those whose system calls the filter knows.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// Offsets into what the filter sees, seccomp_data. Of an argument it looks at the lower half, on little-endian machines the first one.
const (
	offsetNumber = 0
	offsetArch   = 4
)

func offsetArgument(n uint32) uint32 { return 16 + 8*n }

// x32 marks system calls of a second ABI of amd64.
const x32 = 0x40000000

// Ways to answer a system call.
const (
	allow = unix.SECCOMP_RET_ALLOW
	deny  = unix.SECCOMP_RET_ERRNO // | errno
)

// filter forbids what Landlock leaves open: sockets other than TCP (with Lookup or Open, also UDP), multipath TCP, TCP fast open, which connects
// without asking, and io_uring, which a filter cannot look into.
func (s *Spec) filter() error {
	if !canFilter() {
		return nil
	}
	program := s.program()
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&f)), 0, 0)
}

// canFilter tells whether the kernel has filters, and this package one for it.
func canFilter() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0 && architectures[runtime.GOARCH] != 0
}

// program is the filter. Each block looks at one thing and answers, or falls through to the next.
func (s *Spec) program() []unix.SockFilter {
	p := []unix.SockFilter{
		load(offsetArch),
		skipIfEqual(architectures[runtime.GOARCH], 1), answer(deny | uint32(unix.ENOSYS)),
		load(offsetNumber),
		jump(unix.BPF_JGE, x32, 0, 1), answer(deny | uint32(unix.ENOSYS)),
	}
	for _, number := range []uint32{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER} {
		p = append(p, onCall(number, answer(deny|uint32(unix.ENOSYS)))...)
	}
	// The argument that holds the flags of each way to send.
	for _, send := range []struct{ number, flags uint32 }{{unix.SYS_SENDTO, 3}, {unix.SYS_SENDMSG, 2}, {unix.SYS_SENDMMSG, 3}} {
		p = append(p, onCall(send.number,
			load(offsetArgument(send.flags)),
			jump(unix.BPF_JSET, unix.MSG_FASTOPEN, 0, 1), answer(deny|uint32(unix.EOPNOTSUPP)),
			answer(allow))...)
	}
	p = append(p, onCall(unix.SYS_SOCKETPAIR, // between processes of the program; a datagram socket could send to others
		load(offsetArgument(1)), and(socketTypes),
		jump(unix.BPF_JEQ, unix.SOCK_DGRAM, 0, 1), answer(deny|uint32(unix.EPERM)),
		answer(allow))...)
	p = append(p, onCall(unix.SYS_SOCKET, s.socket()...)...)
	return append(p, answer(allow))
}

// socketTypes masks the flags that may come with a socket's type.
const socketTypes = 0xf

// socket decides on a new socket by domain, type and protocol.
func (s *Spec) socket() []unix.SockFilter {
	datagrams := answer(deny | uint32(unix.EACCES))
	if s.Lookup || s.Open {
		datagrams = answer(allow)
	}
	return []unix.SockFilter{
		load(offsetArgument(0)),
		skipIfEqual(unix.AF_INET, 6), skipIfEqual(unix.AF_INET6, 5),
		jump(unix.BPF_JEQ, unix.AF_NETLINK, 0, 3), // lists the network interfaces, which many libraries ask for
		load(offsetArgument(2)),
		jump(unix.BPF_JEQ, unix.NETLINK_ROUTE, 0, 1), answer(allow),
		answer(deny | uint32(unix.EAFNOSUPPORT)),

		load(offsetArgument(1)), and(socketTypes),
		jump(unix.BPF_JEQ, unix.SOCK_DGRAM, 0, 1), datagrams,
		jump(unix.BPF_JEQ, unix.SOCK_STREAM, 0, 3),
		load(offsetArgument(2)),
		skipIfEqual(0, 2), skipIfEqual(unix.IPPROTO_TCP, 1),
		answer(deny | uint32(unix.EPROTONOSUPPORT)),
		answer(allow),
	}
}

// onCall is a block for one system call, whose number was loaded last. Its body must answer.
func onCall(number uint32, body ...unix.SockFilter) []unix.SockFilter {
	return append([]unix.SockFilter{jump(unix.BPF_JEQ, number, 0, uint8(len(body)))}, body...)
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func and(mask uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask}
}

// jump skips then instructions if the comparison with k holds, else otherwise.
func jump(comparison uint16, k uint32, then, otherwise uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, K: k, Jt: then, Jf: otherwise}
}

func skipIfEqual(k uint32, n uint8) unix.SockFilter { return jump(unix.BPF_JEQ, k, n, 0) }

func answer(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
}
