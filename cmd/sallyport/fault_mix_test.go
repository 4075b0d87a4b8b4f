package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

const (
	usersPath     = "/api/v1/users"
	nativePath    = "/_security/user/"
	rolePath      = "/_security/role/"
	privilegePath = "/_security/privilege"
	tokenPath     = "/_security/oauth2/token"
	esKeyPath     = "/_security/api_key"
)

// mixer prepares changes.
type mixer struct {
	view
	// hash is the password hash of all users, so that the password is hashed once.
	hash   string
	number int
}

// kinds maps each kind of change to a function that prepares one on objects with a given name.
var kinds = map[string]func(mixer, string) (*change, error){
	"create-user": mixer.createUser, "change-user": mixer.changeUser, "disable-user": mixer.disableUser,
	"delete-user": mixer.deleteUser,
	"log-in":      mixer.logIn, "refresh": mixer.refresh, "log-out": mixer.logOut,
	"create-key": mixer.createKey, "update-keys": mixer.updateKeys, "invalidate-keys": mixer.invalidateKeys,
	"put-role": mixer.putRole, "put-privileges": mixer.putPrivileges,
}

// newMixer returns a mixer with unique names for its objects.
func (r *fleet) newMixer() mixer {
	r.Helper()
	hash, err := secret.NewHasher(secret.DefaultCost).Hash(r.Context(), alice.password)
	if err != nil {
		r.Fatal(err)
	}
	r.mixes++
	return mixer{r.view(0), hash, r.mixes}
}

// mix prepares changes of each kind, in random order.
func (r *fleet) mix(each int) *ledger {
	r.Helper()
	m := r.newMixer()
	var l ledger
	for kind := range kinds {
		for i := range each {
			l.changes = append(l.changes, m.change(kind, i))
		}
	}
	rand.Shuffle(len(l.changes), func(i, j int) { l.changes[i], l.changes[j] = l.changes[j], l.changes[i] })
	if err := l.each(m.prepare); err != nil {
		r.Fatal(err)
	}
	return &l
}

// often returns the number of changes per kind in slow tests: a third with the race detector.
func often(n int) int {
	if raceDetector {
		return n / 3
	}
	return n
}

// change returns a change of a kind, which is not prepared yet.
func (m mixer) change(kind string, i int) *change {
	return &change{call: call{id: fmt.Sprintf("%s-%d-%d", kind, m.number, i)}}
}

// numbers are what distinguishes changes of a kind.
var numbers = regexp.MustCompile(`(-\d+)*$`)

// each calls f for each change, a few concurrently.
func (l *ledger) each(f func(*change) error) error {
	failures := make([]error, len(l.changes))
	queue := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range queue {
				if err := f(l.changes[i]); err != nil {
					failures[i] = fmt.Errorf("%s: %w", l.changes[i].id, err)
				}
			}
		})
	}
	for i := range l.changes {
		queue <- i
	}
	close(queue)
	workers.Wait()
	return errors.Join(failures...)
}

func (m mixer) prepare(w *change) error {
	prepared, err := kinds[numbers.ReplaceAllString(w.id, "")](m, w.id)
	if err != nil {
		return err
	}
	prepared.id = w.id
	if prepared.authorization == "" {
		prepared.authorization = m.operator
	}
	*w = *prepared
	return nil
}

// addUser adds a user with a password.
func (m mixer) addUser(name string, roles ...string) error {
	list, err := json.Marshal(append([]string{}, roles...))
	if err != nil {
		return err
	}
	_, err = m.ask(http.MethodPut, nativePath+name,
		`{"password_hash": "`+m.hash+`", "roles": `+string(list)+`, "full_name": "before"}`, http.StatusOK)
	return err
}

// grant creates a session of a user, and returns the access token and the refresh token.
func (m mixer) grant(name string) (access, refresh string, err error) {
	answer, err := m.ask(http.MethodPost, tokenPath, grantBody(name), http.StatusOK)
	return answer.text("access_token"), answer.text("refresh_token"), err
}

func grantBody(name string) string {
	return fmt.Sprintf(`{"grant_type": "password", "username": %q, "password": %q}`, name, alice.password)
}
