package profile

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) *Service {
	t.Helper()
	return NewService(storetest.Open(t, store.None, time.Now))
}

// insert adds a user with a profile.
func (s *Service) insert(t *testing.T, name string, change func(*store.Profile)) {
	t.Helper()
	p := store.Profile{
		UID:            "u_" + name,
		Enabled:        true,
		SynchronizedAt: s.store.Now(),
		Labels:         emptyObject,
		Data:           emptyObject,
		User:           store.User{Name: name, FullName: "Full Name of " + name, Enabled: true},
	}
	change(&p)
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.Users.Insert(p.User); err != nil {
			return err
		}
		return tx.Profiles.Insert(p)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Ensures that a user that was deleted or disabled meanwhile gets no profile.
func TestService_Activate_Outdated(t *testing.T) {
	s := newService(t)
	s.insert(t, "disabled", func(p *store.Profile) { p.User.Enabled = false })
	for _, name := range []string{"missing", "disabled"} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Activate(t.Context(), identity.Principal{User: name, Method: identity.Basic})
			if !fault.Has(err, fault.CredentialsInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Ensures that an answer has a bounded size, and that profiles can be read without their data then.
func TestService_Get_TooLarge(t *testing.T) {
	s := newService(t)
	large := `{"a":"` + strings.Repeat("x", maxStored-16) + `"}`
	var uids []string
	for i := range maxShown/maxStored + 1 {
		name := fmt.Sprint("user", i)
		s.insert(t, name, func(p *store.Profile) { p.Data = large })
		uids = append(uids, "u_"+name)
	}
	if _, err := s.Get(t.Context(), uids, true); !fault.Has(err, fault.InvalidData) {
		t.Errorf("got %v", err)
	}
	for name, c := range map[string]struct {
		uids []string
		data bool
	}{
		"without data": {uids, false}, "fewer": {uids[1:], true},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := s.Get(t.Context(), c.uids, c.data)
			if err != nil || len(found) != len(c.uids) {
				t.Errorf("%d, %v", len(found), err)
			}
		})
	}
}

// Ensures that a search with many words of many profiles ends.
func TestService_Suggest_TooMuchWork(t *testing.T) {
	s := newService(t)
	for i := range 50 {
		s.insert(t, fmt.Sprint("user", i), func(p *store.Profile) { p.User.FullName = strings.Repeat("ab ", 1000) })
	}
	_, err := s.Suggest(t.Context(), Suggestion{Name: strings.Repeat("a ", maxName/2), Size: 1})
	if !fault.Has(err, fault.InvalidData) {
		t.Errorf("got %v", err)
	}
	if found, err := s.Suggest(t.Context(), Suggestion{Name: "user4 ab", Size: 1}); err != nil || found.Total != 50 ||
		found.Profiles[0].User.Name != "user4" {
		t.Errorf("%+v, %v", found, err)
	}
}

// Ensures that objects are merged and everything else is replaced, and that what is merged stays as it is.
func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ object, more, want string }{
		"new":     {`{}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		"inner":   {`{"a":{"b":1,"c":2}}`, `{"a":{"c":3,"d":4}}`, `{"a":{"b":1,"c":3,"d":4}}`},
		"text":    {`{"a":{"b":1}}`, `{"a":"x"}`, `{"a":"x"}`},
		"object":  {`{"a":1}`, `{"a":{}}`, `{"a":{}}`},
		"array":   {`{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		"null":    {`{"a":1}`, `{"a":null}`, `{"a":null}`},
		"numbers": {`{"a":1}`, `{"a":1.0}`, `{"a":1.0}`},
	} {
		t.Run(name, func(t *testing.T) {
			object, more := decoded(t, c.object), decoded(t, c.more)
			before := maps.Clone(more)
			merge(object, more)
			if got := encoded(t, object); got != c.want {
				t.Errorf("got %s", got)
			}
			if got := encoded(t, more); got != encoded(t, before) {
				t.Errorf("what is merged became %s", got)
			}
		})
	}
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	value, err := strictjson.Decode([]byte(text))
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		t.Fatal(text, err)
	}
	return object
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Ensures that a label is found by its path, also if names have dots, and in arrays.
func TestHasLabel(t *testing.T) {
	const labels = `{"a":"x","b":{"c":["y","z"],"d.e":1},"f":true,"g":null,"h":[{"i":"w"}]}`
	for path, want := range map[string]string{"a": "x", "b.c": "z", "b.d.e": "1", "f": "true", "h.i": "w"} {
		if s := (&search{values: map[string]bool{"none": true, want: true}}); !s.hasLabel(decoded(t, labels), path) {
			t.Errorf("%s has no %s", path, want)
		}
	}
	for path, other := range map[string]string{"a": "y", "b": "y", "b.c": "x", "b.d": "1", "g": "", "": "x", "a.b": "x"} {
		if s := (&search{values: map[string]bool{other: true}}); s.hasLabel(decoded(t, labels), path) {
			t.Errorf("%s has %s", path, other)
		}
	}
}

// Ensures that a hint cannot have more values than a profile's labels are compared with.
func TestSuggestion_HintValues(t *testing.T) {
	q := Suggestion{Hint: &Hint{Labels: map[string][]string{"a.x": make([]string, maxHintValues)}}}
	if err := q.Check(); err != nil {
		t.Error(err)
	}
	q.Hint.Labels["a.x"] = append(q.Hint.Labels["a.x"], "one more")
	if err := q.Check(); !fault.Has(err, fault.RequestInvalid) {
		t.Errorf("the error is %v", err)
	}
}
