package user

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// settleTime bounds the settlement of an attempt, which a caller can no longer cancel.
const settleTime = 15 * time.Second

// checkTries is the number of attempts to check a password while its hash is replaced.
const checkTries = 3

// CheckPassword returns the user with this name and password, which may sign in. Otherwise it returns the same
// fault.LoginFailed after the same time, whether the user is unknown, disabled or locked, or the password wrong. It
// returns fault.TooManyFailures to an address with too many failed attempts, and fault.ServerBusy.
//
// An attempt is counted once the password was compared, even if the caller disconnects, and regardless of the load of
// the store: otherwise attempts would be free for callers that do not wait for the answer. A caller that disconnects
// before its password is compared is not charged with a failed attempt.
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
	return store.User{}, admission.Busy() // the hash is replaced again and again; the password may be right
}

// LoginFailed returns the error of all failed sign-ins. The name of the user, or "" if there is none, and the reason
// are for the log.
func LoginFailed(name, reason string) error {
	return fault.Wrap(fault.LoginFailed, &outcome.RefusalError{Result: outcome.Refused, Reason: reason, User: name},
		"the user name or the password is wrong")
}

// errReplaced means that a user's hash was replaced while a password was verified with the old one.
var errReplaced = errors.New("user: the password's hash was replaced meanwhile")

func (s *Service) check(ctx context.Context, name, password string) (store.User, error) {
	looked, err := s.lookUp(ctx, name)
	if err != nil {
		return store.User{}, err
	}
	u := looked.User
	if len(password) > secret.MaxPassword {
		password, u.PasswordHash = "", "" // it is never right, and the hasher is spared
	}
	// The cache is not used for a user that may not sign in, because the response time would reveal it.
	right := u.Enabled && !looked.locked && s.proven.has(u, password)
	if !right {
		if right, err = s.hasher.Verify(ctx, u.PasswordHash, password); err != nil {
			return store.User{}, err
		}
	}
	ctx, cancel := context.WithTimeout(admission.Urgent(context.WithoutCancel(ctx)), settleTime)
	defer cancel()
	now, err := s.settle(ctx, u, right)
	if errors.Is(err, errReplaced) {
		return store.User{}, err
	}
	refused := err == nil && now.verdict == refuse
	if err != nil || refused {
		s.attempts.RecordAddressFailure(ctx) // also if the store did not count the failure: an attempt must never be free
	}
	if err != nil {
		return store.User{}, err
	}
	if refused {
		return store.User{}, LoginFailed(now.user.Name, now.reason)
	}
	s.proven.add(now.user, password)
	return s.renewHash(ctx, now.user, password), nil
}

// settle decides by the current record of the user, because the comparison took long: whether the user may sign in, is
// locked, and still has this password. It counts a failed attempt, or resets the count after a successful one, and
// returns the current user. It returns errReplaced if the password was right, but the user now has another password or
// hash.
func (s *Service) settle(ctx context.Context, u store.User, right bool) (judged, error) {
	// Also for a wrong password: a right one that is refused must not take longer.
	now, err := store.Read(ctx, s.store, func(tx *store.Tx) (judged, error) { return s.judge(tx, u, right) })
	if err == nil && now.verdict != letIn {
		now, err = store.Write(ctx, s.store, func(tx *store.Tx) (judged, error) {
			now, err := s.judge(tx, u, right)
			switch {
			case err != nil:
				return now, err
			case now.verdict == refuse: // no user has the name store.UnknownUser
				now.locks, err = s.attempts.RecordFailure(ctx, tx, now.user.Name, attempts.Password)
				return now, err
			}
			return now, s.attempts.RecordSuccess(tx, now.user.Name, attempts.Password)
		})
	}
	s.attempts.CountLock(now.locks)
	return now, err
}

// verdict is the decision about a user with the right password.
type verdict int

const (
	refuse verdict = iota
	letIn
	// forgive permits the sign-in, and resets the count of failed attempts.
	forgive
)

// judged is a user as of now, and what is to be done.
type judged struct {
	user    store.User
	verdict verdict
	// reason is why the user is refused.
	reason string
	// locks reports whether the failed attempt locks the user.
	locks bool
}

// judge reads the user again and decides.
func (s *Service) judge(tx *store.Tx, u store.User, right bool) (judged, error) {
	now, err := tx.Users.Find(u.Name)
	if errors.Is(err, store.ErrNotFound) {
		return judged{reason: "unknown user"}, nil
	}
	if err != nil {
		return judged{}, err
	}
	if right && now.PasswordHash != u.PasswordHash {
		return judged{}, errReplaced
	}
	locked, wrongPasswords, err := s.attempts.Locked(tx, u.Name)
	switch {
	case err != nil:
		return judged{}, err
	case !now.Enabled:
		return judged{user: now, verdict: refuse, reason: "disabled user"}, nil
	case locked:
		return judged{user: now, verdict: refuse, reason: "locked user"}, nil
	case !right:
		return judged{user: now, verdict: refuse, reason: "wrong password"}, nil
	case wrongPasswords:
		return judged{user: now, verdict: forgive}, nil
	}
	return judged{user: now, verdict: letIn}, nil
}

// lookUp is find within a bound: most of a flood of sign-ins is refused after it, and must not crowd out other readers.
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

// find returns a user and whether it is locked; the zero User if it does not exist.
func (s *Service) find(ctx context.Context, name string) (found, error) {
	if checkExternal(name) != nil {
		name = store.UnknownUser // no user has such a name, and not every database takes it
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

// renewHash replaces a hash of another cost now that the password is known, and returns the updated user. A failure
// does not prevent the sign-in: a later one tries again.
func (s *Service) renewHash(ctx context.Context, u store.User, password string) store.User {
	if !s.hasher.Outdated(u.PasswordHash) {
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
