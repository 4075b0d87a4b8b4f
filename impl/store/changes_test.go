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

// Ensures that tags arrive as they were sent, and that what nobody can have sent stands for everything.
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

// Ensures that what was read is good until something of it changes, or everything, or changes are not known, or its lifetime
// ends; and that what was begun to be read before a change is not good after it, whenever it is asked.
func TestChanges(t *testing.T) {
	t.Parallel()
	var now time.Time
	c := newChanges(func() time.Time { return now }, time.Second)
	good := func(want bool, read moment, of ...tag) {
		t.Helper()
		if got := c.good(read, of); got != want {
			t.Errorf("good is %v", got)
		}
	}
	good(false, c.moment(), 1)
	c.follow()
	read := c.moment()
	good(true, read, 1, 2)
	c.happened(tags{list: []tag{2, 3}})
	good(false, read, 1, 2)
	good(true, read, 1)
	good(true, c.moment(), 1, 2)
	c.happened(tags{all: true})
	good(false, read, 1)
	read = c.moment()
	now = now.Add(-1)
	good(false, read, 1)
	now = now.Add(time.Second)
	good(true, read, 1)
	now = now.Add(1)
	good(false, read, 1)
	read = c.moment()
	c.lose()
	good(false, read, 1)
	c.happened(tags{all: true}) // is known of, and all others are not
	good(false, c.moment(), 1)
	c.follow()
	good(false, read, 1)
	good(true, c.moment(), 1)
}

// Ensures that no change is lost of many at once with the same tag: what was begun to be read before any of them is not good.
func TestChanges_AtOnce(t *testing.T) {
	t.Parallel()
	c := newChanges(time.Now, time.Hour)
	c.follow()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				read := c.moment()
				c.happened(tags{list: []tag{7, tag(rand.N(4))}})
				if c.good(read, []tag{7}) {
					t.Error("what was read before a change is good after it")
					return
				}
			}
		})
	}
	wg.Wait()
}

// told says of each statement that writes what is remembered whether that is told, or why it need not be.
var told = map[statement]string{
	updateUser: "told", replacePasswordHash: "told", deleteUser: "told",
	qualifyUser: "told", setPasswordSetter: "follows a statement that is told",
	insertTOTPDevice: "told", confirmTOTPDevice: "told", deleteTOTPDevice: "told",
	shortenSessionToken: "told", lowerSession: "told", lowerUserSessions: "told", deleteSession: "told", deleteUserSessions: "told",
	updateKeys: "told", invalidateKeys: "told",
	insertUser: "is new", insertSession: "is new", insertSessionToken: "is new", insertAPIKey: "is new",
	touchLogin: "is not needed to authenticate", touchKeys: "is not needed to authenticate", useTOTPStep: "is not remembered", resealTOTPDevices: "is not remembered",
	sweepSessions: "has expired", sweepSessionTokens: "has expired", sweepTokensOf: "has expired", oldestSessions: "told",
	incrementKeyEpoch: "told", incrementSessions: "told", hideUser: "told", beginSweeping: "told", endSweeping: "told", sweepUser: "told",
	sweepDeletedKeys: "is a deleted user's, which was told", sweepRevokedKeys: "was revoked, which was told", sweepRevokedSessions: "has ended, which was told",
	purgeExpiredKeys: "has expired", purgeInvalidatedKeys: "was invalidated, which was told",
}

var writes = regexp.MustCompile(`^(INSERT INTO|UPDATE|DELETE FROM) (users|sessions|session_tokens|api_keys|totp_devices)\b`)

// Ensures that whoever adds a statement that writes what is remembered thinks of those who remember it.
func TestChanges_Statements(t *testing.T) {
	t.Parallel()
	for _, s := range statements {
		if _, known := told[s]; writes.MatchString(s.text) && !known {
			t.Errorf("who remembers what this changes is not told: %s", s.text)
		}
	}
}

// Ensures that each table's methods record what they change and what their results depend on.
func TestChanges_Told(t *testing.T) {
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
		if _, _, err := tx.Keys.FindWithOwner("k"); err != nil || !slices.Equal(tx.read, key.list) {
			t.Errorf("a key depends on %v; want %v (%v)", tx.read, key, err)
		}
		tx.read = nil
		if _, _, _, err := tx.Sessions.FindByToken("t"); err != nil || !slices.Equal(tx.read, session.list) {
			t.Errorf("a session depends on %v; want %v (%v)", tx.read, session, err)
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
		"Users.Update":                {func(tx *Tx) error { return tx.Users.Update(User{Name: "u"}) }, []tag{userTag("u")}},
		"Users.ReplacePasswordHash":   {func(tx *Tx) error { _, err := tx.Users.ReplacePasswordHash("u", "", "h"); return err }, []tag{userTag("u")}},
		"Users.Delete":                {func(tx *Tx) error { _, err := tx.Users.Delete("u"); return err }, []tag{userTag("u")}},
		"TOTPDevices.Insert":          {func(tx *Tx) error { return tx.TOTPDevices.Insert(device) }, []tag{userTag("u")}},
		"TOTPDevices.Confirm":         {func(tx *Tx) error { return tx.TOTPDevices.Confirm("u") }, []tag{userTag("u")}},
		"TOTPDevices.Delete":          {func(tx *Tx) error { _, err := tx.TOTPDevices.Delete("u"); return err }, []tag{userTag("u")}},
		"Sessions.ShortenToken":       {func(tx *Tx) error { return tx.Sessions.ShortenToken("t", tx.Now.Add(MaxLifetime-1)) }, []tag{tokenTag("t")}},
		"Sessions.ShortenToken later": {func(tx *Tx) error { return tx.Sessions.ShortenToken("t", tx.Now.Add(MaxLifetime)) }, nil},
		"Sessions.Lower":              {func(tx *Tx) error { _, err := tx.Sessions.Lower("s"); return err }, []tag{sessionTag("s")}},
		"Sessions.LowerUser":          {func(tx *Tx) error { return tx.Sessions.LowerUser("u") }, []tag{userTag("u")}},
		"Sessions.Delete":             {func(tx *Tx) error { _, err := tx.Sessions.Delete("s"); return err }, []tag{sessionTag("s")}},
		"Sessions.DeleteUser":         {func(tx *Tx) error { _, err := tx.Sessions.DeleteUser("u"); return err }, []tag{userTag("u")}},
		"Keys.Update":                 {func(tx *Tx) error { return tx.Keys.Update([]string{"k"}, KeyChange{}) }, []tag{keyTag("k")}},
		"Keys.Invalidate":             {func(tx *Tx) error { _, err := tx.Keys.Invalidate([]string{"k", "none"}); return err }, []tag{keyTag("k"), keyTag("none")}},
		"Keys.Touch":                  {func(tx *Tx) error { return tx.Keys.Touch(map[string]time.Time{"k": time.Unix(1, 0)}) }, nil},
		"Sessions.SweepTokens":        {func(tx *Tx) error { return tx.Sessions.SweepTokens("s") }, nil},
		"Sessions.Crowd":              {func(tx *Tx) error { _, err := tx.Sessions.Crowd("u", 1); return err }, []tag{sessionTag("s")}},
		"Sessions.Sweep":              {func(tx *Tx) error { return tx.Sessions.Sweep() }, nil},
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
