package store

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Ensures that tags arrive as they were sent, and that a malformed message invalidates everything.
func TestTags(t *testing.T) {
	t.Parallel()
	var few, many tags
	few.add(userTag("alice"), sessionTag("s"), 0, 0xffff)
	for i := range maxTags + 1 {
		many.add(tag(i))
	}
	for _, sent := range []tags{few, many} {
		if got := readTags(sent.String()); got.all != sent.all || !slices.Equal(got.list, sent.list) {
			t.Errorf("%v arrives as %v", sent, got)
		}
	}
	if !many.all || len(few.list) != 4 {
		t.Errorf("%v, %v", many, few)
	}
	for _, text := range []string{everything, "zz", "0", "000", "00 0"} {
		if got := readTags(text); !got.all {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	if length := len(strings.Repeat("ffff", maxTags)); length >= 8000 {
		t.Errorf("%d bytes are too many for PostgreSQL", length)
	}
}

// Ensures that a value is valid until one of its records changes, or everything, or the connection is lost, or its
// lifetime ends; and that a value with a read that began before a change is never valid after it.
func TestChanges(t *testing.T) {
	t.Parallel()
	var now time.Time
	c := newChanges(func() time.Time { return now }, time.Second)
	valid := func(want bool, read moment, of ...tag) {
		t.Helper()
		if got := c.valid(read, of); got != want {
			t.Errorf("valid is %v", got)
		}
	}
	valid(false, c.moment(), 1)
	c.connect()
	read := c.moment()
	valid(true, read, 1, 2)
	c.record(tags{list: []tag{2, 3}})
	valid(false, read, 1, 2)
	valid(true, read, 1)
	valid(true, c.moment(), 1, 2)
	c.record(tags{all: true})
	valid(false, read, 1)
	read = c.moment()
	now = now.Add(-1)
	valid(false, read, 1)
	now = now.Add(time.Second)
	valid(true, read, 1)
	now = now.Add(1)
	valid(false, read, 1)
	read = c.moment()
	c.disconnect()
	valid(false, read, 1)
	c.record(tags{all: true}) // is known of, and all others are not
	valid(false, c.moment(), 1)
	c.connect()
	valid(false, read, 1)
	valid(true, c.moment(), 1)
}

// Ensures that of concurrent changes with the same tag none is lost: a value with a read that began before one of
// them is not valid.
func TestChanges_AtOnce(t *testing.T) {
	t.Parallel()
	c := newChanges(time.Now, time.Hour)
	c.connect()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				read := c.moment()
				c.record(tags{list: []tag{7, tag(rand.N(4))}})
				if c.valid(read, []tag{7}) {
					t.Error("what was read before a change is good after it")
					return
				}
			}
		})
	}
	wg.Wait()
}

// invalidations has, for each statement that writes what caches may hold, "announced" or why no message is needed.
var invalidations = map[statement]string{
	updateUser: "announced", replacePasswordHash: "announced", deleteUser: "announced",
	qualifyUser: "announced", setPasswordSetter: "follows a statement that is announced",
	insertTOTPDevice: "announced", confirmTOTPDevice: "announced", deleteTOTPDevice: "announced",
	shortenSessionToken: "announced", lowerSession: "announced", lowerUserSessions: "announced",
	deleteSession: "announced", deleteUserSessions: "announced",
	updateAccount: "announced", insertAccount: "is new",
	insertRole: "announced", updateRole: "announced", deleteRole: "announced",
	updateKeys: "announced", invalidateKeys: "announced",
	insertUser: "is new", insertSession: "is new", insertSessionToken: "is new", insertAPIKey: "is new",
	touchLogin: "is not needed to authenticate", touchKeys: "is not needed to authenticate",
	useTOTPStep: "is not cached", resealTOTPDevices: "is not cached",
	sweepSessions: "has expired", sweepSessionTokens: "has expired", sweepTokensOf: "has expired",
	oldestSessions:    "announced",
	incrementKeyEpoch: "announced", incrementSessions: "announced", hideUser: "announced",
	beginSweeping: "announced", endSweeping: "announced", sweepUser: "announced",
	sweepDeletedKeys: "is a deleted user's, which was announced",
	sweepRevokedKeys: "was revoked, which was announced", sweepRevokedSessions: "has ended, which was announced",
	purgeExpiredKeys: "has expired", purgeInvalidatedKeys: "was invalidated, which was announced",
}

var writes = regexp.MustCompile(`^(INSERT INTO|UPDATE|DELETE FROM) ` +
	`(users|sessions|session_tokens|api_keys|totp_devices|accounts|roles)\b`)

// Ensures that a new statement that writes what caches may hold has an entry in invalidations.
func TestChanges_Statements(t *testing.T) {
	t.Parallel()
	for _, s := range statements {
		if _, known := invalidations[s]; writes.MatchString(s.text) && !known {
			t.Errorf("no entry in invalidations: %s", s.text)
		}
	}
}

// Ensures that each table's methods record what they change and what their results depend on.
func TestChanges_Announced(t *testing.T) {
	t.Parallel()
	var key, session tags
	key.add(keyTag("k"), userTag("u"))
	session.add(tokenTag("t"), sessionTag("s"), userTag("u"))
	s, err := Open(t.Context(), "sqlite:"+t.TempDir()+"/test.db", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it is in a temporary folder
	fill(t, s)
	err = s.View(t.Context(), func(tx *Tx) error {
		if _, _, err := tx.Keys.FindWithOwner("k"); err != nil || !slices.Equal(tx.read.tags, key.list) {
			t.Errorf("a key depends on %v; want %v (%v)", tx.read.tags, key, err)
		}
		tx.read = dependencies{}
		if _, _, _, err := tx.Sessions.FindByToken("t"); err != nil || !slices.Equal(tx.read.tags, session.list) {
			t.Errorf("a session depends on %v; want %v (%v)", tx.read.tags, session, err)
		}
		for name, c := range map[string]struct {
			read func() error
			want tag
		}{
			"a user":      {func() error { _, err := tx.Users.Find("u"); return err }, userTag("u")},
			"the account": {func() error { _, err := tx.Accounts.Get(); return err }, accountTag()},
			"a role":      {func() error { _, err := tx.Roles.ByNames([]string{"r"}); return err }, roleTag("r")},
		} {
			tx.read = dependencies{}
			if err := c.read(); !slices.Equal(tx.read.tags, []tag{c.want}) {
				t.Errorf("%s depends on %v; want %v (%v)", name, tx.read.tags, c.want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	device := TOTPDevice{UserName: "u"}
	for name, c := range map[string]struct {
		change func(*Tx) error
		want   []tag
	}{
		"Users.Update": {func(tx *Tx) error { return tx.Users.Update(User{Name: "u"}) },
			[]tag{userTag("u")}},
		"Users.ReplacePasswordHash": {func(tx *Tx) error {
			_, err := tx.Users.ReplacePasswordHash("u", "",
				"h")
			return err
		}, []tag{userTag("u")}},
		"Users.Delete": {func(tx *Tx) error { _, err := tx.Users.Delete("u"); return err },
			[]tag{userTag("u")}},
		"TOTPDevices.Insert": {func(tx *Tx) error { return tx.TOTPDevices.Insert(device) },
			[]tag{userTag("u")}},
		"TOTPDevices.Confirm": {func(tx *Tx) error { return tx.TOTPDevices.Confirm("u") }, []tag{userTag("u")}},
		"TOTPDevices.Delete": {func(tx *Tx) error { _, err := tx.TOTPDevices.Delete("u"); return err },
			[]tag{userTag("u")}},
		"Sessions.ShortenToken": {func(tx *Tx) error {
			return tx.Sessions.ShortenToken("t",
				tx.Now.Add(MaxLifetime-1))
		}, []tag{tokenTag("t")}},
		"Sessions.ShortenToken later": {func(tx *Tx) error {
			return tx.Sessions.ShortenToken("t",
				tx.Now.Add(MaxLifetime))
		}, nil},
		"Sessions.Lower": {func(tx *Tx) error { _, err := tx.Sessions.Lower("s"); return err },
			[]tag{sessionTag("s")}},
		"Sessions.LowerUser": {func(tx *Tx) error { return tx.Sessions.LowerUser("u") }, []tag{userTag("u")}},
		"Sessions.Delete": {func(tx *Tx) error { _, err := tx.Sessions.Delete("s"); return err },
			[]tag{sessionTag("s")}},
		"Sessions.DeleteUser": {func(tx *Tx) error { _, err := tx.Sessions.DeleteUser("u"); return err },
			[]tag{userTag("u")}},
		"Keys.Update": {func(tx *Tx) error { return tx.Keys.Update([]string{"k"}, KeyChange{}) },
			[]tag{keyTag("k")}},
		"Keys.Invalidate": {func(tx *Tx) error {
			_, err := tx.Keys.Invalidate([]string{"k",
				"none"})
			return err
		}, []tag{keyTag("k"), keyTag("none")}},
		"Keys.Touch": {func(tx *Tx) error {
			return tx.Keys.Touch(map[string]time.Time{
				"k": time.Unix(1, 0)})
		}, nil},
		"Sessions.SweepTokens": {func(tx *Tx) error { return tx.Sessions.SweepTokens("s") }, nil},
		"Sessions.EvictOldest": {func(tx *Tx) error {
			_, err := tx.Sessions.EvictOldest("u",
				1)
			return err
		}, []tag{sessionTag("s")}},
		"Accounts.Update": {func(tx *Tx) error { return tx.Accounts.Update(Account{ID: "a"}) }, []tag{accountTag()}},
		"Roles.Put": {func(tx *Tx) error { _, err := tx.Roles.Put(Role{Name: "r"}); return err },
			[]tag{roleTag("r")}},
		"Roles.Delete":   {func(tx *Tx) error { _, err := tx.Roles.Delete("r"); return err }, []tag{roleTag("r")}},
		"Sessions.Sweep": {func(tx *Tx) error { return tx.Sessions.Sweep() }, nil},
	} {
		var got []tag
		err := s.Update(t.Context(), func(tx *Tx) error {
			err := c.change(tx)
			got = tx.changed.list
			if err != nil {
				return err
			}
			return ErrExists // undoes it
		})
		if err != ErrExists || !slices.Equal(got, c.want) { //nolint:errorlint // it is that very one
			t.Errorf("%s tells %v; want %v (%v)", name, got, c.want, err)
		}
	}
}

// fill adds a user u with a session s, its token t, and a key k.
func fill(t *testing.T, s *Store) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *Tx) error {
		end := tx.Now.Add(time.Hour)
		if err := tx.Users.Insert(User{Name: "u", Enabled: true}); err != nil {
			return err
		}
		if err := tx.Sessions.Insert(Session{ID: "s", UserName: "u", ExpiresAt: end}); err != nil {
			return err
		}
		if err := tx.Sessions.InsertToken(SessionToken{ID: "t", SessionID: "s", ExpiresAt: end}); err != nil {
			return err
		}
		return tx.Keys.Insert(APIKey{ID: "k", UserName: "u"})
	})
	if err != nil {
		t.Fatal(err)
	}
}
