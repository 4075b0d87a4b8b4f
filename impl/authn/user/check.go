package user

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// settleTime bounds what a caller can no longer end: settling what came of a guess.
const settleTime = 15 * time.Second

// checkTries is how often a check begins anew because the user's hash was replaced under it.
const checkTries = 3

// CheckPassword returns the user whose name and password these are, and who may sign in. For everybody else it returns
// the same fault.LoginFailed after the same time: whether the user is unknown, disabled or locked, or the password
// wrong. It returns fault.TooManyFailures to an address that guessed too often, and fault.ServerBusy.
//
// A guess that was compared is counted although its caller goes away, and however busy the store is: otherwise guesses
// would be free for whoever does not wait for the answer. Who goes away before the turn to be compared has not guessed.
func (s *Service) CheckPassword(ctx context.Context, name, password string) (store.User, error) {
	if err := s.attempts.CheckAddress(ctx); err != nil {
		return store.User{}, err
	}
	for range checkTries {
		u, err := s.check(ctx, name, password)
		if !errors.Is(err, errReplaced) {
			return u, err
		}
	}
	return store.User{}, admission.Busy() // others replace the hash all the time; the password may be right
}

// LoginFailed is the one answer to every sign-in that fails.
func LoginFailed() error {
	return fault.New(fault.LoginFailed, "the user name or the password is wrong")
}

// errReplaced means that a user's hash was replaced while a password was found to be right by the old one.
var errReplaced = errors.New("user: the password's hash was replaced meanwhile")

func (s *Service) check(ctx context.Context, name, password string) (store.User, error) {
	looked, err := s.lookUp(ctx, name)
	if err != nil {
		return store.User{}, err
	}
	u := looked.User
	if len(password) > secret.MaxPassword {
		password, u.PasswordHash = "", "" // never right, and no work for the hasher
	}
	// A password that was right is remembered, but not for a user who may not sign in: that would tell by its time.
	right := u.Enabled && !looked.locked && s.proven.has(u, password)
	if !right {
		if right, err = s.hasher.Verify(ctx, u.PasswordHash, password); err != nil {
			return store.User{}, err
		}
	}
	ctx, cancel := context.WithTimeout(admission.Urgent(context.WithoutCancel(ctx)), settleTime)
	defer cancel()
	u, right, err = s.settle(ctx, u, right)
	if errors.Is(err, errReplaced) {
		return u, err
	}
	if err != nil || !right {
		s.attempts.RecordAddressFailure(ctx) // also when the store failed to count: a guess must never be free
	}
	if err != nil {
		return store.User{}, err
	}
	if !right {
		return store.User{}, LoginFailed()
	}
	s.proven.add(u, password)
	return s.renewHash(ctx, u, password), nil
}

// settle decides on what the store says after the password was compared, which took long: whether the user may sign in,
// is locked, and has this password still. It counts a wrong guess, or forgets those before a right one, and returns the
// user as of now. It returns errReplaced if the password was right, and is the user's no longer or in another hash.
func (s *Service) settle(ctx context.Context, u store.User, right bool) (store.User, bool, error) {
	if !s.store.Configured() {
		return u, right && u.Enabled, nil
	}
	// Looked at for a wrong password too: a right one that is refused must not take longer.
	now, err := store.Read(ctx, s.store, func(tx *store.Tx) (judged, error) { return s.judge(tx, u, right) })
	if err == nil && now.verdict != letIn {
		now, err = store.Write(ctx, s.store, func(tx *store.Tx) (judged, error) {
			now, err := s.judge(tx, u, right)
			switch {
			case err != nil:
				return now, err
			case now.verdict == refuse: // no user has the name store.UnknownUser
				return now, s.attempts.RecordFailure(ctx, tx, now.user.Name, attempts.Password)
			}
			return now, s.attempts.RecordSuccess(tx, now.user.Name, attempts.Password)
		})
	}
	return now.user, err == nil && now.verdict != refuse, err
}

// verdict is what is to be done with somebody whose password is right.
type verdict int

const (
	refuse verdict = iota
	letIn
	// forgive lets in, and forgets wrong guesses.
	forgive
)

// judged is a user as of now, and what is to be done.
type judged struct {
	user    store.User
	verdict verdict
}

// judge reads a user again and decides.
func (s *Service) judge(tx *store.Tx, u store.User, right bool) (judged, error) {
	now, err := tx.Users.Find(u.Name)
	if errors.Is(err, store.ErrNotFound) {
		return judged{}, nil
	}
	if err != nil {
		return judged{}, err
	}
	if right && now.PasswordHash != u.PasswordHash {
		return judged{}, errReplaced
	}
	locked, wrongPasswords, err := s.attempts.Locked(tx, u.Name)
	switch {
	case err != nil || !right || locked || !now.Enabled:
		return judged{now, refuse}, err
	case wrongPasswords:
		return judged{now, forgive}, nil
	}
	return judged{now, letIn}, nil
}

// lookUp is find in turns: most of a flood of sign-ins is turned away after it, and must not crowd out whoever else
// reads.
func (s *Service) lookUp(ctx context.Context, name string) (found, error) {
	if err := s.looking.Acquire(ctx); err != nil {
		return found{}, err
	}
	defer s.looking.Release()
	return s.find(ctx, name)
}

// found is a user, and whether the user is locked.
type found struct {
	store.User
	locked bool
}

// find returns a user; the zero User if there is none with that name.
func (s *Service) find(ctx context.Context, name string) (found, error) {
	if !s.store.Configured() {
		return found{User: s.unclustered[name]}, nil
	}
	if checkExternal(name) != nil {
		name = store.UnknownUser // nobody is called that, and not every database takes such a text
	}
	return store.Read(ctx, s.store, func(tx *store.Tx) (found, error) {
		u, err := tx.Users.Find(name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return found{}, err
		}
		locked, _, err := s.attempts.Locked(tx, name)
		return found{u, locked}, err
	})
}

// renewHash hashes a password anew that was hashed at another cost, now that it is known, and returns the user as of
// then. What keeps it from doing so does not keep the user out: there will be another time.
func (s *Service) renewHash(ctx context.Context, u store.User, password string) store.User {
	if !s.store.Configured() || !s.hasher.Outdated(u.PasswordHash) {
		return u
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return u
	}
	replaced, err := store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		return tx.Users.ReplacePasswordHash(u.Name, u.PasswordHash, hash)
	})
	if err == nil && replaced {
		u.PasswordHash = hash
	}
	return u
}
