package raft

import "sync"

// mailbox passes values between two goroutines without ever making the sender wait. What bounds it is the number of blocks in flight.
type mailbox[T any] struct {
	mu     sync.Mutex
	items  []T
	filled chan struct{} // holds one token while items is not empty
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{filled: make(chan struct{}, 1)} }

func (m *mailbox[T]) put(v T) {
	m.mu.Lock()
	m.items = append(m.items, v)
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
}

// take returns everything put since the last take; to be called after a receive from filled.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}
