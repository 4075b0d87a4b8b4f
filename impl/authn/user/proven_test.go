package user

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a verified password is cached for a minute of the server's clock, for one user with one hash.
func TestProven(t *testing.T) {
	t.Parallel()
	verified := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	alice := store.User{Name: "alice", PasswordHash: "hash"}
	for name, c := range map[string]struct {
		user     store.User
		password string
		after    time.Duration
		want     bool
	}{
		"at once":            {alice, "passphrase", 0, true},
		"within the minute":  {alice, "passphrase", provenTime - 1, true},
		"after the minute":   {alice, "passphrase", provenTime, false},
		"clock was set back": {alice, "passphrase", -1, false},
		"other password":     {alice, "Passphrase", 0, false},
		"other hash":         {store.User{Name: "alice", PasswordHash: "hash 2"}, "passphrase", 0, false},
		"other user":         {store.User{Name: "bob", PasswordHash: "hash"}, "passphrase", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := verified
			p := newProven(func() time.Time { return now })
			p.add(alice, "passphrase")
			now = now.Add(c.after)
			if got := p.has(c.user, c.password); got != c.want {
				t.Errorf("cached is %t", got)
			}
		})
	}
}
