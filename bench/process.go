package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Process is a process whose use of the machine is measured, by Linux's /proc.
type Process struct {
	Name string
	PID  int
}

// ticksPerSecond is the unit of processor times in /proc, USER_HZ, which is 100 on every architecture that Go runs Linux on.
const ticksPerSecond = 100

// Meter measures processes from when it was made.
type Meter struct {
	processes []Process
	before    []time.Duration
}

// NewMeter starts to measure. The error is that of the first process that cannot be looked at.
func NewMeter(processes ...Process) (*Meter, error) {
	m := &Meter{processes: processes}
	for _, p := range processes {
		used, err := p.processorTime()
		if err != nil {
			return nil, err
		}
		m.before = append(m.before, used)
	}
	return m, nil
}

// Usages are what the processes used since the meter was made, divided by count.
func (m *Meter) Usages(count int) ([]Usage, error) {
	var all []Usage
	for i, p := range m.processes {
		used, err := p.processorTime()
		if err != nil {
			return nil, err
		}
		u := Usage{Name: p.Name, CPU: float64((used - m.before[i]).Microseconds()) / float64(max(1, count))}
		if u.Resident, err = p.memory("VmRSS:"); err != nil {
			return nil, err
		}
		if u.Peak, err = p.memory("VmHWM:"); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// Metered runs work, and adds to its result what processes used for it.
func Metered(work func() (*Result, error), processes ...Process) (*Result, error) {
	meter, err := NewMeter(processes...)
	if err != nil {
		return nil, err
	}
	r, err := work()
	if err != nil {
		return nil, err
	}
	r.Processes, err = meter.Usages(r.Count)
	return r, err
}

// processorTime is what the process used so far: utime and stime of proc_pid_stat(5).
func (p Process) processorTime() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", p.Name, err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name, in parentheses, may hold anything
	if len(fields) < 13 {
		return 0, fmt.Errorf("measuring %s: /proc/%d/stat has %d fields", p.Name, p.PID, len(fields))
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("measuring %s: %w", p.Name, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// memory reads a field of proc_pid_status(5) that is in KiB, in MiB.
func (p Process) memory(field string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", p.Name, err)
	}
	_, rest, _ := strings.Cut(string(status), field)
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0, fmt.Errorf("measuring %s: %s of /proc/%d/status: %w", p.Name, field, p.PID, err)
	}
	return kib / 1024, nil
}
