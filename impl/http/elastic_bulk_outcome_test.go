package http_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// ring is a set of keys of every kind that a bulk update tells apart.
type ring struct {
	// own can be changed; the rest cannot.
	own, failing []string
	// whys are the failures, by id.
	whys map[string]string
}

// newRing gives carol, a user of Elasticsearch's roles, keys of every kind.
func (w *world) newRing(n int) ring {
	w.Helper()

	w.newRole("key_owner", "manage_own_api_key")
	carol := w.newUser("carol", "key_owner")
	r := ring{whys: map[string]string{}}
	notOwned := func(id string) string {
		return resourceNotFound + ": no API key owned by requesting user found for ID [" + id + "]"
	}
	for i := range n {
		id, _ := w.newKeyOf(carol, fmt.Sprintf(`{"name":"own %d"}`, i))
		r.own = append(r.own, id)
		others, _ := w.newKeyOf(bob, fmt.Sprintf(`{"name":"other %d"}`, i))
		r.whys[others] = notOwned(others)
		unknown := fmt.Sprintf("unknown-%d", i)
		r.whys[unknown] = notOwned(unknown)
		ended, _ := w.newKeyOf(carol, `{"name":"ended"}`)
		w.must(http.MethodDelete, keysURL, `{"ids":"`+ended+`","owner":true}`, carol)
		r.whys[ended] = illegalArgument + ": cannot update invalidated API key [" + ended + "]"
		expired, _ := w.newKeyOf(carol, `{"name":"expired","expiration":"1s"}`)
		r.whys[expired] = illegalArgument + ": cannot update expired API key [" + expired + "]"
		both, _ := w.newKeyOf(carol, `{"name":"both","expiration":"1s"}`)
		w.must(http.MethodDelete, keysURL, `{"ids":"`+both+`","owner":true}`, carol)
		r.whys[both] = illegalArgument + ": cannot update invalidated API key [" + both + "]"
	}

	for _, odd := range []string{"", " ", "ü", strings.Repeat("x", 2000), "a\n\"b"} {
		r.whys[odd] = notOwned(odd)
	}

	w.clock.advance(2 * time.Second)
	for id := range r.whys {
		r.failing = append(r.failing, id)
	}

	slices.Sort(r.failing)
	return r
}

var carol = as("carol", "carol's own passphrase")

// whys returns the failures of an answer, by id.
func (b bulk) whys() map[string]string {
	whys := map[string]string{}
	if b.Errors != nil {
		for id, why := range b.Errors.Details {
			whys[id] = why.String()
		}
	}
	return whys
}

// Ensures that each id has its own outcome, by the first reason that there is, and that the answer is 200 even if all
// fail.
func TestBulkUpdate_Outcomes(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r := w.newRing(1)
	all := append(slices.Clone(r.failing), r.own...)
	got := w.bulkUpdate(`{"ids":`+asJSON(all)+`,"metadata":{"a":1}}`, carol)
	if want := fmt.Sprint("updated ", r.own, " noops [] errors ", len(r.failing)); got.String() != want ||
		!reflect.DeepEqual(got.whys(), r.whys) {
		t.Errorf("%s %v, want %s %v", got, got.whys(), want, r.whys)
	}

	got = w.bulkUpdate(`{"ids":`+asJSON(r.failing)+`}`, carol)
	if len(got.Updated)+len(got.Noops) != 0 || !reflect.DeepEqual(got.whys(), r.whys) {
		t.Errorf("all fail: %s %v", got, got.whys())
	}
	if got = w.bulkUpdate(`{"ids":`+asJSON(r.own)+`}`, carol); got.Errors != nil {
		t.Errorf("none fails: %s", got)
	}
}

// Ensures that a single string is one id, and that in an array numbers and booleans stand for their texts.
func TestBulkUpdate_IDs(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for ids, want := range map[string]string{
		`"a"`:       "a",
		`["a","b"]`: "a b",
		`[1,true,"x",false,-0.50,1e3,12345678901234567890]`: "-0.50 1 12345678901234567890 1e3 false true x",
		`[1,"1",1]`: "1",
		`""`:        "",
		`["",""]`:   "",
		`"*"`:       "*",
		`"a,b"`:     "a,b",
	} {
		var asked []string
		for id := range w.bulkUpdate(`{"ids":`+ids+`}`, bob).whys() {
			asked = append(asked, id)
		}
		slices.Sort(asked)
		if got := strings.Join(asked, " "); got != want {
			t.Errorf("%s asks for %q, want %q", ids, got, want)
		}
	}
}

// mix draws ids of all kinds, some of them more than once.
func (r ring) mix(random *rand.Rand) []string {
	all := append(slices.Clone(r.failing), r.own...)
	ids := make([]string, 1+random.IntN(3*len(all)))
	for i := range ids {
		ids[i] = all[random.IntN(len(all))]
	}
	return ids
}

func distinct(ids []string) []string {
	sorted := slices.Sorted(slices.Values(ids))
	return slices.Compact(sorted)
}

// Ensures that for any ids the three parts of the answer are disjoint and together have exactly these ids, that
// failures are counted and described by kind, and that the same request again changes nothing.
func TestBulkUpdate_Partition(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r := w.newRing(5)
	changes := []string{``, `,"metadata":{"n":%d}`, `,"role_descriptors":{"x%d":{"cluster":["monitor"]}}`,
		`,"metadata":{},"role_descriptors":{}`}
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 4))
		ids := r.mix(random)
		change := changes[random.IntN(len(changes))]
		if strings.Contains(change, "%d") {
			change = fmt.Sprintf(change, seed)
		}
		body := `{"ids":` + asJSON(ids) + change + `}`
		first := w.bulkUpdate(body, carol)
		checkPartition(t, r, ids, first)
		second := w.bulkUpdate(body, carol)
		checkPartition(t, r, ids, second)
		if len(second.Updated) > 0 || !reflect.DeepEqual(first.whys(), second.whys()) {
			t.Errorf("seed %d: %s is answered with %s, and then with %s", seed, body, first, second)
		}
	}
}

// checkPartition compares an answer with the ids that were asked for, and with the recorded state of these.
func checkPartition(t *testing.T, r ring, ids []string, answer bulk) {
	t.Helper()

	parts := append(slices.Clone(answer.Updated), answer.Noops...)
	whys := answer.whys()
	for id, why := range whys {
		parts = append(parts, id)
		if r.whys[id] != why {
			t.Errorf("%q fails with %q, want %q", id, why, r.whys[id])
		}
	}

	slices.Sort(parts)
	if !slices.Equal(parts, distinct(ids)) {
		t.Errorf("%q are answered with %q", ids, parts)
	}
	if answer.Errors != nil && (answer.Errors.Count != len(whys) || len(whys) == 0) {
		t.Errorf("%d failures are counted as %d", len(whys), answer.Errors.Count)
	}

	for _, id := range slices.Concat(answer.Updated, answer.Noops) {
		if r.whys[id] != "" {
			t.Errorf("%q does not fail", id)
		}
	}
}

// Ensures that a dry run answers as the run would, and writes nothing: no key, no document, no line of the audit trail.
func TestBulkUpdate_DryRun(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r := w.newRing(3)
	w.bulkUpdate(`{"ids":"`+r.own[0]+`","metadata":{"a":1},"role_descriptors":{"x":{"cluster":["monitor"]}}}`, carol)
	for i, change := range []string{
		``, `,"metadata":{"a":1}`, `,"metadata":{}`, `,"role_descriptors":{"new":{"cluster":["none"]}}`,
		`,"role_descriptors":{}`, `,"expiration":"1d"`,
		`,"metadata":{"b":1},"role_descriptors":{"newer":{"cluster":["all"]}},"expiration":"2d"`,
	} {
		body := `{"ids":` + asJSON(r.mix(rand.New(rand.NewPCG(uint64(i), 5)))) + change + `}`
		before := w.written()
		dry := w.bulkUpdateAt(bulkURL+"?dry_run=true", body, carol)
		if w.written() != before {
			t.Errorf("the dry run of %s writes something", body)
		}
		wet := w.bulkUpdateAt(bulkURL+"?dry_run=false", body, carol)
		if !reflect.DeepEqual(dry, wet) {
			t.Errorf("the dry run of %s says %s %v, and the run %s %v", body, dry, dry.whys(), wet, wet.whys())
		}
	}

	w.refuses(http.MethodPost, bulkURL+"?dry_run", `{"ids":[]}`, arv("Field [ids] cannot be empty"), carol)
	w.refuses(http.MethodPost, bulkURL+"?dry_run=maybe", `{"ids":"a"}`,
		"400 illegal_argument_exception: … | illegal_argument_exception", carol)
}

// Ensures that the audit trail has an entry with the caller for each changed key, and none for any other key.
func TestBulkUpdate_Audit(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r := w.newRing(3)
	w.sql("UPDATE users SET password_set_by = 'user'") // so that updates do not bind the keys
	all := append(slices.Clone(r.failing), r.own...)
	w.bulkUpdate(`{"ids":"`+r.own[1]+`","metadata":{"a":1}}`, carol)
	const lines = `SELECT subject || ' ' || actor || ' ' || details FROM audit_log WHERE event = 'api_key.updated' ORDER BY at, id`
	first := w.rows(lines)
	if want := r.own[1] + ` carol {"binding":"none","metadata":"replaced","user":"carol"}`; first != want {
		t.Errorf("the trail is %s, want %s", first, want)
	}

	w.clock.advance(time.Second)
	w.bulkUpdate(`{"ids":`+asJSON(all)+`,"metadata":{"a":1}}`, carol)
	want := []string{first}
	for _, id := range []string{r.own[0], r.own[2]} {
		want = append(want, id+` carol {"binding":"none","metadata":"replaced","user":"carol"}`)
	}

	if got := strings.Split(w.rows(lines), "\n"); !slices.Equal(got, want) {
		t.Errorf("the trail is %q, want %q", got, want)
	}

	w.clock.advance(time.Second)
	w.bulkUpdate(`{"ids":["`+r.own[0]+`"],"expiration":"1d","role_descriptors":{"x":{}}}`, carol)
	got := strings.Split(w.rows(lines), "\n")
	var details map[string]string
	_, text, _ := strings.Cut(got[len(got)-1], " carol ")
	if err := json.Unmarshal([]byte(text), &details); err != nil || len(got) != 4 || details["expires_at"] == "" ||
		len(details["role_descriptors"]) != 64 {
		t.Errorf("the trail ends with %s", got[len(got)-1])
	}
}
