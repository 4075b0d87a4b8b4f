package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// group is a transaction on SQLite that runs the functions of concurrent Updates one after the other and commits once,
// because waiting for the disk takes most of the time of a small write. Each function after the first runs in a
// savepoint, so that its failure undoes nothing else. An open group belongs to the Update that holds the only slot of
// writers, which hands both over.
type group struct {
	// ctx is the context of the transaction. It ends with that of the first Update until the group is handed over,
	// which detach decides.
	ctx    context.Context //nolint:containedctx // a group lives as long as its transaction
	end    context.CancelFunc
	detach func() bool

	tx      *sql.Tx
	own     *ownCommit
	bound   map[int]*sql.Stmt
	began   time.Time
	members int
	changed []tags

	// done is closed once err is the outcome of all members.
	done chan struct{}
	err  error
}

// The limits of a group. It ends when either is reached, or when no Update waits. So a member waits for the functions
// of others for at most groupTime and one more transaction.
const (
	groupSize = 128
	groupTime = 10 * time.Millisecond
)

var (
	// errGroupLost means that SQLite rolled a group back because of the failure of another member.
	errGroupLost = errors.New("store: the transaction was rolled back by another one's failure")
	errPanicked  = errors.New("store: the function of the transaction did not return")
)

// updateInGroup is Update on SQLite. Members of a group that was lost are retried once, each alone.
func (s *Store) updateInGroup(ctx context.Context, f func(*Tx) error) error {
	if err := s.joinGroup(ctx, f, false); !errors.Is(err, errGroupLost) {
		return err
	}
	return s.joinGroup(ctx, f, true)
}

// joinGroup runs a function in the open group or a new one, and returns after the group's commit.
func (s *Store) joinGroup(ctx context.Context, f func(*Tx) error, alone bool) (err error) {
	if err := s.writer.slots.Acquire(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, transactionTimeout, errTransactionTimeout)
	defer cancel()

	if alone && s.group != nil {
		s.finish(s.group)
	}
	g, err := s.openGroup(ctx)
	if err != nil {
		s.writer.slots.Release()
		return err
	}

	err = errPanicked
	// A revocation takes effect at once: the next function may take long.
	last := alone || admission.IsRevocation(ctx)
	defer func() { err = s.leaveGroup(g, err, last) }()
	err = s.runMember(ctx, g, f)
	return err
}

// openGroup returns the open group, or begins one.
func (s *Store) openGroup(ctx context.Context) (*group, error) {
	if s.group != nil {
		return s.group, nil
	}
	if err := s.inPlace(ctx); err != nil {
		return nil, err
	}
	g := &group{bound: map[int]*sql.Stmt{}, began: time.Now(), done: make(chan struct{})}
	var end context.CancelCauseFunc
	g.ctx, end = context.WithCancelCause(context.WithoutCancel(ctx))
	g.detach = context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	g.end = func() { g.detach(); end(nil) }

	var err error
	if g.tx, g.own, err = s.begin(g.ctx); err != nil {
		g.end()
		return nil, failure(ctx, "begin", err)
	}
	s.group = g
	return g, nil
}

// runMember runs a function in a group. It returns the function's error, or the failure of the database.
func (s *Store) runMember(ctx context.Context, g *group, f func(*Tx) error) error {
	tx := &Tx{
		Now: s.Now(), Random: s.random, ctx: ctx, writing: ctx, tx: g.tx, handle: s.writer, bound: g.bound, d: s.dialect,
	}
	tx.setTables()
	if g.members > 0 {
		// SQLite rolls the whole transaction back if a statement that writes is interrupted.
		var cancel context.CancelFunc
		tx.writing, cancel = context.WithTimeoutCause(context.WithoutCancel(ctx), transactionTimeout,
			errTransactionTimeout)
		defer cancel()
		if err := g.exec("SAVEPOINT member"); err != nil {
			return failure(ctx, "begin", err)
		}
	}

	err := f(tx)
	switch {
	case tx.broken != nil:
		return tx.broken
	case err != nil:
		return err
	case ctx.Err() != nil:
		return failure(ctx, "commit", ctx.Err())
	}
	g.changed = append(g.changed, tx.changed)
	return nil
}

// leaveGroup keeps or undoes what a member did, and returns its outcome once the group has ended. The group and the
// slot are handed to the next Update if one waits, unless this member is to be the last. Otherwise it ends both.
func (s *Store) leaveGroup(g *group, err error, last bool) error {
	first := g.members == 0
	g.members++
	if undone := g.settle(first, err); undone != nil {
		s.abandon(g)
		s.writer.slots.Release()
		return undone
	}

	if !last && g.accepts() && (!first || g.detach()) && s.writer.slots.HandOver() {
		<-g.done
	} else {
		s.finish(g)
		s.writer.slots.Release()
	}
	if g.err != nil {
		return g.err
	}
	return err
}

// settle ends the savepoint of a member. It returns the member's error if the group has to be abandoned: there is
// nothing else in it, or SQLite has rolled it back.
func (g *group) settle(first bool, err error) error {
	switch {
	case first:
		return err
	case err == nil:
		if failed := g.exec("RELEASE member"); failed != nil {
			return failure(g.ctx, "commit", failed)
		}
	case g.exec("ROLLBACK TO member; RELEASE member") != nil:
		return err
	}
	return nil
}

func (g *group) exec(statement string) error {
	_, err := g.tx.ExecContext(g.ctx, statement)
	return err
}

func (g *group) accepts() bool { return g.members < groupSize && time.Since(g.began) < groupTime }

// finish commits a group.
func (s *Store) finish(g *group) {
	g.own.begin()
	err := g.tx.Commit()
	// This also follows a failure, after which the commit may have taken effect.
	for _, changed := range g.changed {
		s.invalidate(changed)
	}
	g.own.end(g.ctx)

	// A write is acknowledged only if it is in the file that the next start opens.
	if err == nil {
		err = s.files.check()
	}
	if err != nil {
		g.err = failure(g.ctx, "commit", err)
	}
	s.closeGroup(g)
}

// abandon rolls a group back.
func (s *Store) abandon(g *group) {
	g.err = errGroupLost
	s.closeGroup(g)
}

func (s *Store) closeGroup(g *group) {
	s.group = nil
	_ = g.tx.Rollback() // nothing is left after a commit
	g.own.close()
	g.end()
	close(g.done)
}
