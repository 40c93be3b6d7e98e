package statedb

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// trouble is what Pebble has told of in the background, where nobody waits for an error.
type trouble struct {
	writing atomic.Pointer[error] // the last write to the disk failed; nil if it did not
	damage  atomic.Pointer[error] // a file is damaged
}

func (t *trouble) failed(err error) { t.writing.Store(&err) }
func (t *trouble) damaged(file, what any) {
	t.damage.Store(new(fmt.Errorf("file %s is damaged: %s", file, what)))
}

// flushed hears of the end of a flush: writing works again.
func (t *trouble) flushed(i pebble.FlushInfo) {
	if i.Err == nil {
		t.writing.Store(nil)
	}
}

// Check tells whether the store can be read and written, as far as that is known without writing.
func (d *DB) Check() error {
	var all []error
	for _, p := range []*error{d.trouble.writing.Load(), d.trouble.damage.Load()} {
		if p != nil {
			all = append(all, *p)
		}
	}
	if _, err := d.Savepoint(); err != nil {
		all = append(all, fmt.Errorf("reading the savepoint: %w", err))
	}
	return errors.Join(all...)
}
