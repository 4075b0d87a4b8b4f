package apikey_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/query"
	"github.com/sallyport/sallyport/impl/store"
)

// world is a service on a database of its own, with a clock that the test moves. It has the role owner, which permits
// its users to manage their own keys.
type world struct {
	*apikey.Service
	store  *store.Store
	rights *access.Service
	clock  atomic.Pointer[time.Time]
}

func newWorld(t *testing.T, settings apikey.Settings, users ...store.User) *world {
	t.Helper()
	w := &world{}
	began := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	w.clock.Store(&began)

	var err error
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	w.store, err = store.Open(t.Context(), dsn, func() time.Time { return *w.clock.Load() })
	if err != nil {
		t.Fatal(err)
	}
	w.Service = apikey.NewService(w.store, settings, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		w.Close()
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if w.rights, err = access.NewService(w.store, privilege.Names{}, role.Builtin{}); err != nil {
		t.Fatal(err)
	}

	w.change(t, func(tx *store.Tx) error {
		_, err := tx.Roles.Put(store.Role{Name: "owner", Descriptor: `{"owner":{"cluster":["manage_own_api_key"]}}`})
		return err
	})
	for _, u := range users {
		u.Enabled = true
		w.change(t, func(tx *store.Tx) error { return tx.Users.Insert(u) })
	}
	return w
}

func (w *world) advance(d time.Duration) {
	later := w.clock.Load().Add(d)
	w.clock.Store(&later)
}

// change is a transaction that must succeed.
func (w *world) change(t *testing.T, f func(*store.Tx) error) {
	t.Helper()
	if err := w.store.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func (w *world) user(t *testing.T, name string) (u store.User) {
	t.Helper()
	w.change(t, func(tx *store.Tx) (err error) {
		u, err = tx.Users.Find(name)
		return err
	})
	return u
}

// promote adds a role to a user, as an administrator does.
func (w *world) promote(t *testing.T, name string, role identity.Role) {
	t.Helper()
	u := w.user(t, name)
	roles := append(slices.Clone(u.Roles), role)
	u.Tenure, _ = u.Tenure.After(u.Roles, roles)
	u.Roles = roles
	w.change(t, func(tx *store.Tx) error { return tx.Users.Update(u) })
}

// principal returns a user as a caller with a session.
func (w *world) principal(t *testing.T, name string) identity.Principal {
	t.Helper()
	session := store.Session{ID: rand.Text(), UserName: name, ExpiresAt: w.clock.Load().Add(1000 * time.Hour)}
	w.change(t, func(tx *store.Tx) error { return tx.Sessions.Insert(session) })
	p := principal(w.user(t, name), identity.Session)
	p.SessionID = session.ID
	return p
}

func principal(u store.User, method identity.Method) identity.Principal {
	return identity.Principal{
		User: u.Name, Roles: u.Roles, Builtin: u.Builtin, Promotions: u.Tenure.Promotions, SAMLRealm: u.Realm, Method: method,
	}
}

// caller returns a user with a session and its privileges.
func (w *world) caller(t *testing.T, name string) access.Subject {
	t.Helper()
	return w.subject(t, w.principal(t, name))
}

func (w *world) subject(t *testing.T, p identity.Principal) access.Subject {
	t.Helper()
	subject, err := w.rights.Subject(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

// runAs returns a user as whom another acts.
func (w *world) runAs(t *testing.T, by, name string) access.Subject {
	t.Helper()
	subject, err := w.rights.RunAs(t.Context(), w.caller(t, by), name, "action")
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

// keyCaller returns a key as a caller.
func (w *world) keyCaller(t *testing.T, credential apikey.Credential) access.Subject {
	t.Helper()
	key, owner, err := w.Verify(t.Context(), credential.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	p := principal(owner, identity.APIKey)
	p.Key = identity.Key{ID: key.ID, Name: key.Description, Assigned: key.Assigned, LimitedBy: key.LimitedBy}
	return w.subject(t, p)
}

// newKey makes a key of a user's, which has no descriptors of its own.
func (w *world) newKey(t *testing.T, owner, name string) apikey.Credential {
	t.Helper()
	return w.create(t, w.caller(t, owner), apikey.Creation{Name: name})
}

func (w *world) create(t *testing.T, caller access.Subject, c apikey.Creation) apikey.Credential {
	t.Helper()
	_, credential, err := w.Create(t.Context(), caller, c)
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// fill adds valid keys to a user, all with the same metadata.
func (w *world) fill(t *testing.T, owner string, count int, metadata string) {
	t.Helper()
	w.change(t, func(tx *store.Tx) error {
		for i := range count {
			key := store.APIKey{
				ID:        fmt.Sprintf("filled-%d", i),
				UserName:  owner,
				Metadata:  metadata,
				CreatedAt: tx.Now,
				Version:   1,
			}
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// descriptors returns one role descriptor, named r.
func descriptors(t *testing.T, body string) roledescriptor.Set {
	t.Helper()
	set, err := roledescriptor.ReadSet([]byte(`{"r":` + body + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// ids returns the ids of credentials.
func ids(credentials ...apikey.Credential) []string {
	var ids []string
	for _, c := range credentials {
		ids = append(ids, c.ID)
	}
	return ids
}

// wantCode fails the test unless an error has a code; the zero code stands for no error.
func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if none := want == (fault.Code{}); none != (err == nil) || !none && !fault.Has(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// The users of most tests: alice has all of Elasticsearch's privileges, bob manages bob's own keys, and admin is an
// administrator of ECE.
var (
	alice = store.User{Name: "alice", Roles: []identity.Role{"superuser"}}
	bob   = store.User{Name: "bob", Roles: []identity.Role{"owner"}}
	admin = store.User{Name: "admin", Roles: []identity.Role{identity.PlatformAdmin}}
)

// The methods below do what Elasticsearch's operations do before they call the service: they check the request and
// authorize the caller.

const apiKeyAction = "cluster:admin/xpack/security/api_key/"

func firstError(errs ...error) error { return cmp.Or(errs...) }

func (w *world) Create(
	ctx context.Context, caller access.Subject, c apikey.Creation,
) (apikey.Key, apikey.Credential, error) {
	if err := firstError(fault.Invalid(c.Problems(privilege.Names{})), caller.Require(apiKeyAction+"create")); err != nil {
		return apikey.Key{}, apikey.Credential{}, err
	}
	return w.Service.Create(ctx, caller, c)
}

func (w *world) Update(ctx context.Context, caller access.Subject, id string, u apikey.Update) (bool, error) {
	if err := firstError(fault.Invalid(u.Problems(privilege.Names{})), caller.Require(apiKeyAction+"update")); err != nil {
		return false, err
	}
	return w.Service.Update(ctx, caller, id, u)
}

func (w *world) Find(
	ctx context.Context, caller access.Subject, f apikey.Filter, limits bool,
) ([]apikey.View, error) {
	if err := firstError(f.Check(), f.Authorize(caller, apiKeyAction+"get", limits)); err != nil {
		return nil, err
	}
	return found(w.Service.Find(ctx, caller, f, limits))
}

// found returns the keys of a list.
func found(chunks iter.Seq2[[]apikey.View, error]) ([]apikey.View, error) {
	var all []apikey.View
	for views, err := range chunks {
		if err != nil {
			return nil, err
		}
		all = append(all, views...)
	}
	return all, nil
}

func (w *world) Query(
	ctx context.Context, caller access.Subject, q *query.Request, limits bool,
) (apikey.Found, error) {
	const action = apiKeyAction + "query"
	if err := apikey.AuthorizeQuery(caller, action, limits); err != nil {
		return apikey.Found{}, err
	}
	return w.Service.Query(ctx, caller, q, caller.Privileges.AllowsCluster(action), limits)
}

func (w *world) Invalidate(ctx context.Context, caller access.Subject, s apikey.Selection) ([]string, error) {
	if err := firstError(s.Check(), s.Authorize(caller, apiKeyAction+"invalidate")); err != nil {
		return nil, err
	}
	return w.Service.Invalidate(ctx, caller, s)
}

// collect returns the keys of a list.
func collect(list iter.Seq2[apikey.Key, error]) ([]apikey.Key, error) {
	var keys []apikey.Key
	for key, err := range list {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
