package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// soaker is a client that sends one request after the other: as a user with keys, and as users that sign in and out.
type soaker struct {
	*soak
	number  int
	random  *rand.Rand
	user    client.RequestEditorFn
	key     client.RequestEditorFn
	keys    []string
	session string
	age     int // number of refreshes of the session
	count   int
}

const keptKeys = 10

func (s *soak) newSoaker(number int) *soaker {
	u := person{soakUser(number), soakPassword}
	return &soaker{
		soak: s, number: number, random: rand.New(rand.NewPCG(uint64(number), 0)),
		user: authorize(u.basic()), key: authorize(s.servers[0].createKey(u.basic())),
	}
}

// task is a part of the load.
type task struct {
	name   string
	weight int
	want   int
	run    func(*soaker, context.Context, *client.ClientWithResponses)
}

// tasks are the load. Each sends one request.
var tasks = []task{
	{"GET account, API key", 20, 200, (*soaker).accountByKey},
	{"GET account, Basic", 6, 200, (*soaker).accountByBasic},
	{"authenticate (Elasticsearch)", 6, 200, (*soaker).whoAmI},
	{"has privileges", 8, 200, (*soaker).hasPrivileges},
	{"list keys", 4, 200, (*soaker).listKeys},
	{"query keys", 4, 200, (*soaker).queryKeys},
	{"bulk update keys", 4, 200, (*soaker).bulkUpdate},
	{"change a user", 2, 200, (*soaker).changeUser},
	{"replace a role", 1, 200, (*soaker).putRole},
	{"login, wrong password", 2, 401, (*soaker).guess},
	{"unknown API key", 2, 401, (*soaker).wrongKey},
	{"forged token", 1, 401, (*soaker).forged},
	{"read a key that is not there", 1, 404, (*soaker).noSuchKey},
	{"create a key, bad body", 1, 400, (*soaker).badBody},
}

// run sends requests until stop is closed, each to the next server.
func (w *soaker) run(stop <-chan struct{}) {
	total := 0
	for _, each := range tasks {
		total += each.weight
		each.send(w, w.clients[0]) // so that each is sent at least once
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		w.count++
		api := w.clients[w.count%len(w.clients)]
		switch n := w.random.IntN(total * 4 / 3); { // a quarter is for sessions and keys, in rotation
		case n >= total*7/6:
			w.nextOfSession(api)
		case n >= total:
			w.nextOfKeys(api)
		default:
			w.pick(n).send(w, api)
		}
	}
}

func (w *soaker) pick(n int) task {
	for _, each := range tasks {
		if n -= each.weight; n < 0 {
			return each
		}
	}
	return tasks[0]
}

func (t task) send(w *soaker, api *client.ClientWithResponses) {
	t.run(w, expecting(t.name, t.want), api)
}

// nextOfSession signs in, refreshes a few times, and signs out.
func (w *soaker) nextOfSession(api *client.ClientWithResponses) {
	const refreshes = 3
	switch {
	case w.session == "":
		next := w.number + w.soakers*w.random.IntN(w.users/w.soakers)
		body := client.LoginRequest{Username: soakUser(next), Password: soakPassword}
		if r, err := api.LoginWithResponse(expecting("login", 200), body); err == nil && r.JSON200 != nil {
			w.session, w.age = r.JSON200.Token, 0
		}
	case w.age < refreshes:
		if r, err := api.RefreshTokenWithResponse(expecting("refresh", 200), w.bearer()); err == nil && r.JSON200 != nil {
			w.session, w.age = r.JSON200.Token, w.age+1
		}
	case w.age == refreshes:
		_, _ = api.GetCurrentAccountWithResponse(expecting("GET account, session", 200), w.bearer()) // counted
		w.age++
	default:
		if r, err := api.LogoutWithResponse(expecting("logout", 200), w.bearer()); err == nil && r.JSON200 != nil {
			w.session = ""
		}
	}
}

func (w *soaker) bearer() client.RequestEditorFn { return authorize("Bearer " + w.session) }

// nextOfKeys creates keys, and deletes the oldest when there are enough.
func (w *soaker) nextOfKeys(api *client.ClientWithResponses) {
	if len(w.keys) < keptKeys {
		r, err := api.CreateAPIKeyWithResponse(expecting("create a key", 201),
			client.CreateAPIKeyRequest{Description: "soak"}, w.user)
		if err == nil && r.JSON201 != nil {
			w.keys = append(w.keys, r.JSON201.ID)
		}
		return
	}
	if r, err := api.DeleteAPIKeyWithResponse(expecting("delete a key", 200), w.keys[0], w.user); err == nil &&
		r.JSON200 != nil {
		w.keys = w.keys[1:]
	}
}

const inJSON = "application/json"

func (w *soaker) accountByKey(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.GetCurrentAccountWithResponse(ctx, w.key) // counted, as all below
}

func (w *soaker) accountByBasic(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.GetCurrentAccountWithResponse(ctx, w.user)
}

func (w *soaker) whoAmI(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.SecurityAuthenticateWithResponse(ctx, w.key)
}

func (w *soaker) hasPrivileges(ctx context.Context, api *client.ClientWithResponses) {
	body := `{"cluster":["monitor","manage_security"],"index":[{"names":["logs-*","metrics-*"],"privileges":["read","write"]}]}`
	_, _ = api.SecurityHasPrivilegesWithBodyWithResponse(ctx, inJSON, strings.NewReader(body), w.key)
}

func (w *soaker) listKeys(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.GetAPIKeysWithResponse(ctx, w.key)
}

func (w *soaker) queryKeys(ctx context.Context, api *client.ClientWithResponses) {
	body := `{"query":{"bool":{"filter":[{"term":{"invalidated":false}},{"prefix":{"name":"so"}}]}},"aggs":{"by":{"terms":{"field":"username"}}}}`
	_, _ = api.SecurityQueryAPIKeysWithBodyWithResponse(ctx, nil, inJSON, strings.NewReader(body), w.user)
}

func (w *soaker) bulkUpdate(ctx context.Context, api *client.ClientWithResponses) {
	ids := `"no-such-key"`
	for _, id := range w.keys {
		ids += `,"` + id + `"`
	}
	body := fmt.Sprintf(`{"ids":[%s],"metadata":{"n":%d}}`, ids, w.count)
	_, _ = api.SecurityBulkUpdateAPIKeysWithBodyWithResponse(ctx, nil, inJSON, strings.NewReader(body), w.user)
}

func (w *soaker) changeUser(ctx context.Context, api *client.ClientWithResponses) {
	body := fmt.Sprintf(`{"full_name":"Number %d"}`, w.count)
	_, _ = api.UpdateUserWithBodyWithResponse(ctx, soakUser(w.number), inJSON, strings.NewReader(body), w.chief)
}

func (w *soaker) putRole(ctx context.Context, api *client.ClientWithResponses) {
	body := fmt.Sprintf(`{"cluster":["monitor"],"metadata":{"n":%d}}`, w.count)
	_, _ = api.SecurityPutRoleWithBodyWithResponse(ctx, fmt.Sprintf("soak-%d", w.number), nil, inJSON,
		strings.NewReader(body), w.chief)
}

func (w *soaker) guess(ctx context.Context, api *client.ClientWithResponses) {
	body := client.LoginRequest{Username: soakVictim(w.number), Password: "a wrong password"}
	_, _ = api.LoginWithResponse(ctx, body, from(w.number<<8|w.count&0xff))
}

func (w *soaker) wrongKey(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.GetCurrentAccountWithResponse(ctx, authorize("ApiKey dW5rbm93bjprZXk="))
}

func (w *soaker) forged(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.GetCurrentAccountWithResponse(ctx, authorize(fmt.Sprintf("Bearer eyJhbGciOiJub25lIn0.e30.%d", w.count)))
}

func (w *soaker) noSuchKey(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.GetAPIKeyWithResponse(ctx, "no-such-key", w.key)
}

func (w *soaker) badBody(ctx context.Context, api *client.ClientWithResponses) {
	_, _ = api.CreateAPIKeyWithBodyWithResponse(ctx, inJSON, strings.NewReader(`{"description":1}`), w.user)
}

// from makes a request seem to come from another address.
func from(i int) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("X-Forwarded-For", soakAddress(i))
		return nil
	}
}

// crowdEvery is the interval between crowds.
const crowdEvery = 5 * time.Second

// crowd guesses passwords of unknown users concurrently, more than the queue takes, so that some are refused.
func (s *soak) crowd(stop <-chan struct{}) {
	again := time.NewTicker(crowdEvery)
	defer again.Stop()
	for n := 0; ; n++ {
		var all sync.WaitGroup
		for i := range s.size.crowd {
			all.Go(func() {
				body := client.LoginRequest{Username: "missing", Password: "a wrong password"}
				_, _ = s.clients[n%len(s.clients)].LoginWithResponse(expecting("login, unknown user, a crowd", 401), body,
					from((n&0xf)<<8|i))
			})
		}
		all.Wait()
		select {
		case <-stop:
			return
		case <-again.C:
		}
	}
}

// elevator is a user with a second factor.
type elevator struct {
	person
	device
	// used is the time step of the last used code.
	used int64
}

// enroll gives a user a second factor.
func (s *soak) enroll(u person) *elevator {
	s.Helper()
	api, basic := s.clients[0], authorize(u.basic())
	enrolled, err := api.EnrollTOTPDeviceWithResponse(expecting("enrol", http.StatusCreated), basic)
	if err != nil || enrolled.JSON201 == nil {
		s.Fatalf("enrol: %v %s", err, enrolled.Body)
	}
	e := &elevator{person: u, device: device{Secret: enrolled.JSON201.Secret}}
	confirmed, err := api.ConfirmTOTPDeviceWithResponse(expecting("confirm", http.StatusOK),
		client.ConfirmTOTPRequest{Token: e.next(s.T)}, basic)
	if err != nil || confirmed.JSON200 == nil {
		s.Fatalf("confirm: %v %s", err, confirmed.Body)
	}
	return e
}

const codeSeconds = 30

// next returns the current code.
func (e *elevator) next(t *testing.T) string {
	code := e.code(t)
	e.used = time.Now().Unix() / codeSeconds // not before the code's step
	return code
}

// elevate acquires elevated permissions with each code, and gives them up.
func (s *soak) elevate(e *elevator, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(time.Unix(codeSeconds*(e.used+1), 0))):
		}
		api := s.clients[n%len(s.clients)]
		login, err := api.LoginWithResponse(expecting("login", http.StatusOK),
			client.LoginRequest{Username: e.name, Password: e.password})
		if err != nil || login.JSON200 == nil {
			continue // refused
		}
		token, code := login.JSON200.Token, e.next(s.T)
		elevated, err := api.EnableElevatedPermissionsWithResponse(expecting("elevate", http.StatusOK),
			client.ElevatePermissionsRequest{Token: &code}, authorize("Bearer "+token))
		if err == nil && elevated.JSON200 != nil {
			token = elevated.JSON200.Token
		}
		_, _ = api.DisableElevatedPermissionsWithResponse(expecting("give up elevation", http.StatusOK),
			authorize("Bearer "+token))
		_, _ = api.LogoutWithResponse(expecting("logout", http.StatusOK), authorize("Bearer "+token))
	}
}
