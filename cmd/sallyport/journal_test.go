package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// model is the state that a server exports, by name: users, keys, roles and valid sessions.
type model map[string]string

// written is a request that changes something: when it was in progress, and its effect on a model. Its id is that of
// its entries in the audit trail.
type written struct {
	id             string
	sent, answered time.Time
	effect         func(model)
}

// journal is the record of all writes.
type journal struct {
	mu      sync.Mutex
	grown   *sync.Cond
	changes map[string]written
	tokens  map[string]bool // of all sessions that were created
	ended   int             // number of writers that have stopped
}

func newJournal() *journal {
	l := &journal{changes: map[string]written{}, tokens: map[string]bool{}}
	l.grown = sync.NewCond(&l.mu)
	return l
}

func (l *journal) add(c written) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes[c.id] = c
	l.grown.Broadcast()
}

// waitForMore waits for n more changes, or until a writer has stopped.
func (l *journal) waitForMore(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for enough := len(l.changes) + n; len(l.changes) < enough && l.ended == 0; {
		l.grown.Wait()
	}
}

func (l *journal) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended++
	l.grown.Broadcast()
}

// writer is a client with its own objects, and one that all writers change: a role.
type writer struct {
	t             *testing.T
	book          *journal
	number, count int
	servers       []*process // used in rotation
	authorization string
	hash          string // hash of the password
	client        *http.Client
	user          string
	keys          []string
	session       string
}

const journalPassword = "a passphrase that is cheap to check"

// keepWriting starts writers, and returns their journal and a function that stops them.
func keepWriting(t *testing.T, writers int, authorization string, servers ...*process) (book *journal, stop func()) {
	t.Helper()
	hash, err := secret.NewHasher(secret.Cost{Memory: 64, Passes: 1, Threads: 1}).Hash(t.Context(), journalPassword)
	if err != nil {
		t.Fatal(err)
	}
	book = newJournal()
	stopped := make(chan struct{})
	transport := &http.Transport{MaxIdleConnsPerHost: writers}
	var all sync.WaitGroup
	for i := range writers {
		w := &writer{
			t: t, book: book, number: i, servers: servers, authorization: authorization, hash: hash,
			client: &http.Client{Timeout: patience, Transport: transport},
		}
		all.Go(func() {
			defer book.end()
			w.run(stopped)
		})
	}
	return book, func() {
		close(stopped)
		all.Wait()
		transport.CloseIdleConnections()
	}
}

func (w *writer) run(stop <-chan struct{}) {
	steps := []func(string){w.addUser, w.renameUser, w.addKey, w.shareRole, w.logIn, w.addKey, w.changeKeys, w.changeRoles,
		w.endKey, w.logOut, w.shareRole, w.changeKeys}
	for {
		for i, step := range append(steps, w.deleteUser) {
			select {
			case <-stop:
				return
			default:
				w.count++
				step(fmt.Sprintf("w%d-%d-%d", w.number, w.count, i))
			}
			if w.t.Failed() {
				return
			}
		}
	}
}

// send sends a request, and adds it to the journal with the effect that the function derives from the answer.
func (w *writer) send(id, method, path, body string, effect func(answer map[string]any) func(model)) {
	request, err := http.NewRequestWithContext(context.Background(), method, w.servers[w.count%len(w.servers)].url+path,
		strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return
	}
	request.Header = http.Header{"X-Request-Id": {id}, "Authorization": {w.authorization}}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if path == authPath+"/_logout" {
		request.Header.Set("Authorization", "Bearer "+w.session)
	}
	sent := time.Now()
	response, err := w.client.Do(request)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	data, err := io.ReadAll(response.Body)
	answered := time.Now()
	var answer map[string]any
	if err != nil || response.StatusCode >= http.StatusMultipleChoices || json.Unmarshal(data, &answer) != nil {
		w.t.Errorf("%s %s: %d %s, %v", method, path, response.StatusCode, data, err)
		return
	}
	w.book.add(written{id, sent, answered, effect(answer)})
}

// fixed returns an effect that does not depend on the answer.
func fixed(effect func(model)) func(map[string]any) func(model) {
	return func(map[string]any) func(model) { return effect }
}

func shownUser(fullName, role string) string { return fullName + " as " + role }

// A user begins with two roles and later loses one: to gain one would end the user's sessions.
const lastingRole, lostRole = "ece_deployment_viewer", "ece_platform_viewer"

func (w *writer) addUser(id string) {
	w.user = "user-" + id
	name := "user " + w.user
	w.send(id, http.MethodPut, "/_security/user/"+w.user,
		`{"full_name":"`+id+`","roles":["`+lastingRole+`","`+lostRole+`"],"password_hash":"`+w.hash+`"}`,
		fixed(func(m model) { m[name] = shownUser(id, lastingRole+","+lostRole) }))
}

func (w *writer) renameUser(id string) {
	name := "user " + w.user
	w.send(id, http.MethodPatch, "/api/v1/users/"+w.user, `{"full_name":"`+id+`"}`, fixed(func(m model) {
		_, role, _ := strings.Cut(m[name], " as ")
		m[name] = shownUser(id, role)
	}))
}

func (w *writer) changeRoles(id string) {
	name := "user " + w.user
	w.send(id, http.MethodPatch, "/api/v1/users/"+w.user, `{"security":{"roles":["`+lastingRole+`"]}}`,
		fixed(func(m model) {
			fullName, _, _ := strings.Cut(m[name], " as ")
			m[name] = shownUser(fullName, lastingRole)
		}))
}

// deleteUser deletes the user, which ends the user's session, too.
func (w *writer) deleteUser(id string) {
	name := "user " + w.user
	w.send(id, http.MethodDelete, "/api/v1/users/"+w.user, "", fixed(func(m model) { delete(m, name) }))
}

func (w *writer) logIn(id string) {
	w.send(id, http.MethodPost, loginPath, loginBody(person{w.user, journalPassword}),
		func(answer map[string]any) func(model) {
			w.session, _ = answer["token"].(string)
			token := w.session
			w.book.mu.Lock()
			defer w.book.mu.Unlock()
			w.book.tokens[token] = true
			return func(m model) { m["session "+token] = "alive" }
		})
}

func (w *writer) logOut(id string) {
	token := w.session
	w.send(id, http.MethodPost, authPath+"/_logout", "", fixed(func(m model) { delete(m, "session "+token) }))
}

func (w *writer) addKey(id string) {
	w.send(id, http.MethodPost, "/_security/api_key", `{"name":"`+id+`"}`, func(answer map[string]any) func(model) {
		key, _ := answer["id"].(string)
		w.keys = append(w.keys, key)
		return func(m model) { m["key "+key] = "live" }
	})
}

// changeKeys changes several records in one transaction.
func (w *writer) changeKeys(id string) {
	keys := slices.Clone(w.keys)
	list, _ := json.Marshal(keys) // cannot fail
	w.send(id, http.MethodPost, "/_security/api_key/_bulk_update", `{"ids":`+string(list)+`,"metadata":{"by":"`+id+`"}}`,
		fixed(func(m model) {
			for _, key := range keys {
				m["key "+key] = "live " + id
			}
		}))
}

func (w *writer) endKey(id string) {
	key := w.keys[0]
	w.keys = w.keys[1:]
	w.send(id, http.MethodDelete, keysPath+"/"+key, "",
		fixed(func(m model) { m["key "+key] = strings.Replace(m["key "+key], "live", "ended", 1) }))
}

const sharedRole = "shared"

// shareRole writes the role that all writers write.
func (w *writer) shareRole(id string) {
	w.send(id, http.MethodPut, "/_security/role/"+sharedRole, `{"cluster":["monitor"],"metadata":{"by":"`+id+`"}}`,
		fixed(func(m model) { m["role "+sharedRole] = id }))
}

// export reads a model from a server. It queries the sessions by their tokens.
func (l *journal) export(s *process, authorization string) model {
	s.t.Helper()
	m := model{}
	var users struct {
		Users []struct {
			Name     string `json:"user_name"`
			FullName string `json:"full_name"`
			Security struct{ Roles []string }
		}
	}
	readInto(s, authorization, "/api/v1/users?include_disabled=true", &users)
	for _, u := range users.Users {
		if strings.HasPrefix(u.Name, "user-") {
			m["user "+u.Name] = shownUser(u.FullName, strings.Join(u.Security.Roles, ","))
		}
	}
	var keys struct {
		Keys []struct {
			ID          string
			Invalidated bool
			Metadata    struct{ By string }
		} `json:"api_keys"`
	}
	readInto(s, authorization, "/_security/api_key", &keys)
	for _, key := range keys.Keys {
		state := map[bool]string{true: "ended ", false: "live "}[key.Invalidated]
		m["key "+key.ID] = strings.TrimSpace(state + key.Metadata.By)
	}
	var roles map[string]struct{ Metadata struct{ By string } }
	readInto(s, authorization, "/_security/role", &roles)
	if role, found := roles[sharedRole]; found {
		m["role "+sharedRole] = role.Metadata.By
	}
	for token := range l.tokens {
		if s.send(http.MethodGet, authPath, "Bearer "+token, "").status == http.StatusOK {
			m["session "+token] = "alive"
		}
	}
	return m
}

func readInto(s *process, authorization, path string, target any) {
	s.t.Helper()
	r := s.want(http.StatusOK, http.MethodGet, path, authorization, "")
	if err := json.Unmarshal([]byte(r.body), target); err != nil {
		s.t.Fatal(err)
	}
}

// inOrder returns requests in the order of a trail, except that those of each writer are in the order in which they
// were sent. The clocks of two servers differ by up to the time of a query, so a trail can have what a writer sent to
// one server before what it sent to the other a moment earlier.
func (l *journal) inOrder(requests []string) []string {
	writerOf := func(id string) string { name, _, _ := strings.Cut(id, "-"); return name }
	sent := map[string][]string{}
	for _, id := range requests {
		sent[writerOf(id)] = append(sent[writerOf(id)], id)
	}
	for _, ids := range sent {
		slices.SortStableFunc(ids, func(a, b string) int { return l.changes[a].sent.Compare(l.changes[b].sent) })
	}

	ordered := make([]string, len(requests))
	for i, id := range requests {
		writer := writerOf(id)
		ordered[i], sent[writer] = sent[writer][0], sent[writer][1:]
	}
	return ordered
}

// exportedTrail is the output of "audit export": the lines by request, and the requests in order.
type exportedTrail struct {
	lines    map[string]string
	requests []string
}

func readExport(t *testing.T, text string) exportedTrail {
	t.Helper()
	found := exportedTrail{lines: map[string]string{}}
	for line := range strings.Lines(text) {
		var entry struct {
			RequestID string `json:"request_id"`
		}
		if err := json.NewDecoder(bytes.NewReader([]byte(line))).Decode(&entry); err != nil {
			t.Fatal(err)
		}
		if found.lines[entry.RequestID] == "" {
			found.requests = append(found.requests, entry.RequestID)
		}
		found.lines[entry.RequestID] += line
	}
	return found
}
