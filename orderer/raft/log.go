package raft

import (
	"fmt"
	"log/slog"
)

// raftLog passes raft's own messages on. Its routine messages are debug messages of the channel.
type raftLog struct{ log *slog.Logger }

func (r raftLog) Debug(v ...any)                   { r.log.Debug(fmt.Sprint(v...)) }
func (r raftLog) Debugf(format string, v ...any)   { r.log.Debug(fmt.Sprintf(format, v...)) }
func (r raftLog) Info(v ...any)                    { r.log.Debug(fmt.Sprint(v...)) }
func (r raftLog) Infof(format string, v ...any)    { r.log.Debug(fmt.Sprintf(format, v...)) }
func (r raftLog) Warning(v ...any)                 { r.log.Warn(fmt.Sprint(v...)) }
func (r raftLog) Warningf(format string, v ...any) { r.log.Warn(fmt.Sprintf(format, v...)) }
func (r raftLog) Error(v ...any)                   { r.log.Error(fmt.Sprint(v...)) }
func (r raftLog) Errorf(format string, v ...any)   { r.log.Error(fmt.Sprintf(format, v...)) }

// Fatal and Panic must not return: raft calls them when its own invariants are broken.
func (r raftLog) Fatal(v ...any)                 { r.panic(fmt.Sprint(v...)) }
func (r raftLog) Fatalf(format string, v ...any) { r.panic(fmt.Sprintf(format, v...)) }
func (r raftLog) Panic(v ...any)                 { r.panic(fmt.Sprint(v...)) }
func (r raftLog) Panicf(format string, v ...any) { r.panic(fmt.Sprintf(format, v...)) }

func (r raftLog) panic(text string) {
	r.log.Error(text)
	panic("raft: " + text)
}
