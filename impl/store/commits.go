package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// commits detects the commits to a SQLite file by other processes, and by other stores in this one. After one of them
// everything that is cached is invalid: nothing says what it changed. The store's own commits are distinguished,
// because they invalidate by tags.
type commits struct {
	index   *walIndex
	changes *changes
	files   *databaseFiles

	// recorded is the header after the last commit that is recorded in changes.
	recorded atomic.Pointer[walHeader]
	// mu makes reading a header, recording changes and setting recorded one step. Only one of the store's own
	// transactions writes at a time, and committing is set from before its commit until its changes are recorded.
	mu         sync.Mutex
	committing bool
}

// watchCommits returns the commits to the store's file from now on.
func watchCommits(files *databaseFiles, c *changes) (*commits, error) {
	index, err := openWALIndex(files.known[0].path)
	if err != nil {
		return nil, err
	}
	w := &commits{index: index, changes: c, files: files}
	header, _ := index.read()
	w.recorded.Store(&header)
	return w, nil
}

// current reports whether all commits until now are recorded in changes. It records those of other processes first.
func (w *commits) current() bool {
	if w.files.checkLately() != nil {
		return false
	}
	header, ok := w.index.read()
	return ok && (header == *w.recorded.Load() || w.catchUp())
}

// catchUp records the commits of other processes. It cannot during an own commit, which changes the header, too.
func (w *commits) catchUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	header, ok := w.index.read()
	if header != *w.recorded.Load() {
		if w.committing {
			return false
		}
		w.flush(header)
	}
	return ok
}

// flush invalidates everything, because other processes committed until the header was read.
func (w *commits) flush(header walHeader) {
	w.changes.record(tags{all: true})
	w.recorded.Store(&header)
}

// close ends the detection: nothing is current any more.
func (w *commits) close() { w.index.close() }

// ownCommit is a writing transaction of the store on a connection of its own. Its methods do nothing on nil.
type ownCommit struct {
	commits    *commits
	connection *sql.Conn
	// version is the data version of the connection while the transaction has SQLite's write lock. It differs after a
	// commit by any other connection, and not after one by this connection (https://sqlite.org/pragma.html).
	version int64
}

const dataVersion = "PRAGMA data_version"

func (o *ownCommit) close() {
	if o != nil {
		_ = o.connection.Close() // it returns to the pool
	}
}

// open is called as soon as the transaction has the write lock.
func (o *ownCommit) open(ctx context.Context, tx *sql.Tx) error {
	if o == nil {
		return nil
	}
	return tx.QueryRowContext(ctx, dataVersion).Scan(&o.version)
}

// begin is called right before the commit, when no other process can commit.
func (o *ownCommit) begin() {
	if o == nil {
		return
	}
	o.commits.mu.Lock()
	defer o.commits.mu.Unlock()
	if header, _ := o.commits.index.read(); header != *o.commits.recorded.Load() {
		o.commits.flush(header)
	}
	o.commits.committing = true
}

// end is called once the changes of the transaction are recorded. If another process may have committed as well, it
// invalidates everything.
func (o *ownCommit) end(ctx context.Context) {
	if o == nil {
		return
	}
	o.commits.mu.Lock()
	defer o.commits.mu.Unlock()

	// The header is read before the version, so it has no later commits than the version.
	header, _ := o.commits.index.read()
	var version int64
	err := o.connection.QueryRowContext(context.WithoutCancel(ctx), dataVersion).Scan(&version)
	if err != nil || version != o.version {
		o.commits.changes.record(tags{all: true})
	}
	o.commits.recorded.Store(&header)
	o.commits.committing = false
}
