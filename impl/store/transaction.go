package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Tx is one transaction. Its methods return ErrNotFound, ErrExists, the context's error, or fault.StoreUnavailable
// for any failure of the database.
type Tx struct {
	// Now is the time of everything that this transaction does, to the millisecond.
	Now time.Time
	// Random is where new ids and secrets come from.
	Random secret.Source

	Accounts              Accounts
	ApplicationPrivileges ApplicationPrivileges
	Audit                 Audit
	Documents             Documents
	KeyEncryptionKeys     KeyEncryptionKeys
	Keys                  Keys
	Lockouts              Lockouts
	Profiles              Profiles
	RecoveryCodes         RecoveryCodes
	RefreshTokens         RefreshTokens
	Repairs               Repairs
	RoleMappings          RoleMappings
	Roles                 Roles
	SAML                  SAML
	ServiceTokens         ServiceTokens
	Sessions              Sessions
	SigningKeys           SigningKeys
	TOTPDevices           TOTPDevices
	Users                 Users

	ctx context.Context //nolint:containedctx // a Tx lives as long as one call of View or Update
	// writing is the context of statements that write.
	writing context.Context //nolint:containedctx // likewise

	tx     *sql.Tx
	handle *handle
	bound  map[int]*sql.Stmt
	d      dialect
	// readOnly is set for View.
	readOnly bool
	// broken is the first failure of the database. After it the transaction is rolled back, whatever its caller makes
	// of the error.
	broken error
	// read is what a value that is made in this transaction depends on; changed are the records that caches may hold
	// outdated.
	read    dependencies
	changed tags
}

// The tables of a Tx.
type (
	// Accounts holds the account's settings, one row.
	Accounts struct{ tx *Tx }
	// ApplicationPrivileges holds the privileges of applications, by application and name.
	ApplicationPrivileges struct{ tx *Tx }
	// Audit holds the audit trail.
	Audit struct{ tx *Tx }
	// Documents holds texts that API keys share, by their digests.
	Documents struct{ tx *Tx }
	// KeyEncryptionKeys holds the ids of the keys that values are encrypted with.
	KeyEncryptionKeys struct{ tx *Tx }
	// Keys holds API keys.
	Keys struct{ tx *Tx }
	// Lockouts holds the failed attempts of users.
	Lockouts struct{ tx *Tx }
	// Profiles holds what applications keep about users.
	Profiles struct{ tx *Tx }
	// RecoveryCodes holds the digests of recovery codes, by user.
	RecoveryCodes struct{ tx *Tx }
	// RefreshTokens holds the digests of refresh tokens.
	RefreshTokens struct{ tx *Tx }
	// Repairs holds the repairs of the records that are still to be done.
	Repairs struct{ tx *Tx }
	// RoleMappings holds rules that give users of identity providers roles.
	RoleMappings struct{ tx *Tx }
	// Roles holds Elasticsearch's roles.
	Roles struct{ tx *Tx }
	// SAML holds used assertions, identity providers' metadata, sessions that began with a SAML sign-in, and refused
	// sign-ins.
	SAML struct{ tx *Tx }
	// ServiceTokens holds the tokens of service accounts, by account and name.
	ServiceTokens struct{ tx *Tx }
	// Sessions holds sessions and their tokens.
	Sessions struct{ tx *Tx }
	// SigningKeys holds the keys that sign session tokens.
	SigningKeys struct{ tx *Tx }
	// TOTPDevices holds second factors, by user.
	TOTPDevices struct{ tx *Tx }
	// Users holds users.
	Users struct{ tx *Tx }
)

// setTables connects the tables of a transaction to it.
func (tx *Tx) setTables() {
	tx.Accounts, tx.ApplicationPrivileges, tx.Audit = Accounts{tx}, ApplicationPrivileges{tx}, Audit{tx}
	tx.Documents, tx.Keys, tx.Lockouts = Documents{tx}, Keys{tx}, Lockouts{tx}
	tx.RecoveryCodes, tx.RefreshTokens, tx.Repairs = RecoveryCodes{tx}, RefreshTokens{tx}, Repairs{tx}
	tx.RoleMappings, tx.Roles, tx.SAML, tx.Sessions = RoleMappings{tx}, Roles{tx}, SAML{tx}, Sessions{tx}
	tx.SigningKeys, tx.TOTPDevices, tx.Users = SigningKeys{tx}, TOTPDevices{tx}, Users{tx}
	tx.ServiceTokens, tx.KeyEncryptionKeys, tx.Profiles = ServiceTokens{tx}, KeyEncryptionKeys{tx}, Profiles{tx}
}

// View calls f with a transaction that reads. It returns f's error, fault.ServerBusy if no work slot became free, or
// fault.StoreUnavailable.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	defer s.observed("view", time.Now())
	return s.run(ctx, s.reader, s.dialect.readOnly, f)
}

// Update is View with a transaction that reads and writes, and commits if f returns nil. Updates are serializable. f
// may be called more than once, so it must have no effect beyond the transaction. On SQLite, concurrent Updates share
// commits (group), so f must not wait for another Update, such as for a lock that is held during one.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	defer s.observed("update", time.Now())
	if s.dialect.grouped {
		return s.updateInGroup(ctx, f)
	}
	return s.run(ctx, s.writer, s.dialect.readWrite, f)
}

// run waits for a work slot, and retries the transaction as the dialect says.
func (s *Store) run(ctx context.Context, h *handle, options sql.TxOptions, f func(*Tx) error) error {
	release, err := h.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()

	ctx, cancel := context.WithTimeoutCause(ctx, transactionTimeout, errTransactionTimeout)
	defer cancel()
	if err := s.inPlace(ctx); err != nil {
		return err
	}

	for tries := 1; ; tries++ {
		committing, err := s.try(ctx, h, options, f)
		if err == nil {
			return nil
		}
		if code(err) == readOnlyTransaction {
			h.reconnect()
		}
		wait, retry := s.dialect.retry(err, committing, tries)
		if !retry || !background.Pause(ctx, wait) {
			return err
		}
	}
}

// try runs a transaction once. A failure of the database takes precedence over the error that f made of it.
func (s *Store) try(ctx context.Context, h *handle, options sql.TxOptions, f func(*Tx) error) (committing bool,
	err error) {
	sqlTx, err := h.BeginTx(ctx, &options)
	if err != nil {
		return false, failure(ctx, "begin", err)
	}
	defer sqlTx.Rollback() //nolint:errcheck // after a failure the first error counts

	tx := &Tx{
		Now:      s.Now(),
		Random:   s.random,
		ctx:      ctx,
		writing:  ctx,
		tx:       sqlTx,
		handle:   h,
		bound:    map[int]*sql.Stmt{},
		d:        s.dialect,
		readOnly: options.ReadOnly,
	}
	tx.setTables()

	err = f(tx)
	if tx.broken != nil {
		return false, tx.broken
	}
	if err != nil {
		return false, err
	}

	if err := s.notify(ctx, sqlTx, tx.changed); err != nil {
		return false, err
	}
	err = sqlTx.Commit()
	// This also follows a failure, after which the commit may have taken effect.
	s.invalidate(tx.changed)
	if err != nil { // a failed commit of a reading transaction loses nothing
		return !options.ReadOnly, failure(ctx, "commit", err)
	}
	return false, nil
}

// begin begins a transaction that writes to a SQLite file. While another process has the write lock, it asks for the
// lock until the context ends.
func (s *Store) begin(ctx context.Context) (*sql.Tx, *ownCommit, error) {
	for {
		tx, own, err := s.tryBegin(ctx)
		if !busy(err) || !background.Pause(ctx, lockPoll) {
			return tx, own, err
		}
	}
}

// lockPoll is the pause before SQLite is asked again for the write lock. It waits for it, too (writerBusy), unless it
// fears a deadlock.
const lockPoll = time.Millisecond

// tryBegin begins a transaction. If commits are watched, it has a connection of its own.
func (s *Store) tryBegin(ctx context.Context) (*sql.Tx, *ownCommit, error) {
	if s.commits == nil {
		tx, err := s.writer.BeginTx(ctx, &s.dialect.readWrite)
		return tx, nil, err
	}

	connection, err := s.writer.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	own := &ownCommit{commits: s.commits, connection: connection}
	tx, err := connection.BeginTx(ctx, &s.dialect.readWrite)
	if err != nil {
		own.close()
		return nil, nil, err
	}
	if err := own.open(ctx, tx); err != nil {
		return nil, nil, errors.Join(err, tx.Rollback(), connection.Close())
	}
	return tx, own, nil
}

// inPlace returns fault.StoreUnavailable if a file of the database was deleted or replaced, at the latest
// filesInterval afterwards.
func (s *Store) inPlace(ctx context.Context) error {
	if err := s.files.checkLately(); err != nil {
		return failure(ctx, "find the files", err)
	}
	return nil
}

// Read calls f in a View, and returns its result. After an error it returns the zero value.
func Read[T any](ctx context.Context, s *Store, f func(*Tx) (T, error)) (T, error) {
	return withResult(ctx, s.View, f)
}

// Write calls f in an Update, and returns its result. After an error nothing is written, and it returns the zero value.
func Write[T any](ctx context.Context, s *Store, f func(*Tx) (T, error)) (T, error) {
	return withResult(ctx, s.Update, f)
}

// transact is View or Update.
type transact func(context.Context, func(*Tx) error) error

func withResult[T any](ctx context.Context, run transact, f func(*Tx) (T, error)) (T, error) {
	var result, none T
	err := run(ctx, func(tx *Tx) (err error) {
		result, err = f(tx)
		return err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}

// transactionTimeout is the timeout of a transaction once it has a work slot. Without it, one slow transaction would
// make all callers queue, each for longer than the one before.
const transactionTimeout = 10 * time.Second

var errTransactionTimeout = errors.New("store: the transaction took too long")

// failure returns fault.StoreUnavailable for a failure of the database, or the context's error if the client
// disconnected. An expired deadline, of this transaction or of its caller, means that the database is too slow.
func failure(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return cause
	}
	return fault.Wrap(fault.StoreUnavailable, fmt.Errorf("%s: %w", what, shorten(err)),
		"the authentication cluster failed; try again in a moment")
}
