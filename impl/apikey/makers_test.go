package apikey_test

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// oldKeys is a database of an old version, which did not record the creators of keys.
type oldKeys struct {
	*testing.T
	store *store.Store
	path  string
	now   time.Time
}

// key adds a key of carol's, bound or not, as it is after changes by some actors, each of which is written as the
// actor, or as the actor and the user as whom it acts. The first one made it.
func (o *oldKeys) key(id string, bound bool, actors ...[2]string) {
	o.Helper()
	creator := map[string]any{"principal": "carol", "realm": "default_native", "realm_type": "native"}
	if bound {
		creator["on_behalf"] = true
	}
	text, err := json.Marshal(creator)
	if err != nil {
		o.Fatal(err)
	}
	for i, actor := range actors {
		o.now = o.now.Add(time.Millisecond)
		ctx := audit.WithOrigin(o.Context(), audit.Origin{Actor: actor[0], ActingAs: actor[1]})
		err := o.store.Update(ctx, func(tx *store.Tx) error {
			if i > 0 {
				return audit.Record(ctx, tx, audit.KeyUpdated, id, audit.Details{"user": "carol"})
			}
			by, err := tx.Documents.Put(text)
			if err != nil {
				return err
			}
			limit, err := tx.Documents.Put([]byte(`{}`))
			if err != nil {
				return err
			}
			key := store.APIKey{
				ID:           id,
				UserName:     "carol",
				Description:  id,
				SecretDigest: secret.Digest("secret"),
				Creator:      by,
				LimitedBy:    limit,
				Version:      1,
			}
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
			return audit.Record(ctx, tx, audit.KeyCreated, id, audit.Details{"user": "carol"})
		})
		if err != nil {
			o.Fatal(err)
		}
	}
}

// promoted returns the keys that are a platform admin's once their owner is one, in order.
func (o *oldKeys) promoted(keys *apikey.Service, ids ...string) (names []string) {
	o.Helper()
	for _, id := range ids {
		_, owner, err := keys.Verify(o.Context(), apikey.Credential{ID: id, Secret: "secret"}.Encoded())
		if err != nil {
			o.Fatal(err)
		}
		if slices.Contains(owner.Roles, identity.PlatformAdmin) {
			names = append(names, id)
		}
	}
	return names
}

// Ensures that keys that an older program has left unbound are bound by what the audit trail says, once at a start, and
// that those are listed of which it says too little.
func TestRepairMakers(t *testing.T) {
	t.Parallel()
	o := &oldKeys{T: t, path: filepath.Join(t.TempDir(), "test.db"), now: time.Now()}
	var err error
	if o.store, err = store.Open(t.Context(), "sqlite:"+o.path, func() time.Time { return o.now }); err != nil {
		t.Fatal(err)
	}
	defer o.store.Close() //nolint:errcheck // it is in a temporary folder
	carol := store.User{Name: "carol", Enabled: true, Roles: []identity.Role{identity.PlatformAdmin}}
	if err := o.store.Update(t.Context(), func(tx *store.Tx) error { return tx.Users.Insert(carol) }); err != nil {
		t.Fatal(err)
	}
	own, runner, grantor := [2]string{"carol"}, [2]string{"mallory", "carol"}, [2]string{"mallory"}
	o.key("before", false, own)
	o.key("planted", false, own, runner)
	o.key("granted", true, grantor)
	o.key("updated", false, grantor, runner)
	o.key("taken", false, runner, own)
	o.key("after", false, own)
	o.key("confirmed", false, own, own)
	all := []string{"before", "planted", "granted", "updated", "taken", "after", "confirmed"}

	keys := apikey.NewService(o.store, apikey.Settings{}, slog.New(slog.DiscardHandler))
	defer keys.Close()
	if m, err := keys.RepairMakersOnce(t.Context()); err != nil || m.Bound != 0 || len(m.Doubtful) != 0 {
		t.Fatalf("without being asked for, the repair did %+v, %v", m, err)
	}
	o.sql("INSERT INTO pending_repairs (name) VALUES ('api_key_makers')")
	m, err := keys.RepairMakersOnce(t.Context())
	if err != nil || m.Bound != 2 || len(m.Doubtful) != 1 || m.Doubtful[0].ID != "after" {
		t.Errorf("the repair did %+v, %v", m, err)
	}
	if got := o.promoted(keys, all...); !slices.Equal(got, []string{"before", "taken", "after", "confirmed"}) {
		t.Errorf("a platform admin's keys are %q", got)
	}
	for range 2 {
		if m, err = keys.RepairMakersOnce(t.Context()); err != nil || m.Bound != 0 || len(m.Doubtful) != 1 {
			t.Errorf("once more, the repair did %+v, %v", m, err)
		}
	}
	if m, err = keys.RepairMakers(t.Context()); err != nil || m.Bound != 0 || len(m.Doubtful) != 1 {
		t.Errorf("repeated, the repair did %+v, %v", m, err)
	}
}

func (o *oldKeys) sql(statement string) {
	o.Helper()
	db, err := sql.Open("sqlite", o.path)
	if err != nil {
		o.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a failure shows in what follows
	if _, err := db.ExecContext(o.Context(), statement); err != nil {
		o.Fatal(err)
	}
}
