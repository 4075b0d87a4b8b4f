package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// trailEntry is one line of the exported audit trail.
type trailEntry struct {
	ID        string         `json:"id"`
	At        string         `json:"at"`
	Event     string         `json:"event"`
	Actor     string         `json:"actor"`
	Subject   string         `json:"subject"`
	Address   string         `json:"address"`
	RequestID string         `json:"request_id"`
	Details   map[string]any `json:"details"`
}

var printableLine = regexp.MustCompile(`^[ -~]+\n$`)

// exportAudit runs "sallyport audit export" and parses its output.
func exportAudit(t *testing.T, dsn string, args ...string) []trailEntry {
	t.Helper()
	o := run(t, invocation{args: append([]string{"audit", "export", "--store", dsn}, args...)})
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("exit code %d: %s", o.code, o.stderr)
	}
	var entries []trailEntry
	for line := range strings.Lines(o.stdout) {
		var e trailEntry
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&e); err != nil || !printableLine.MatchString(line) {
			t.Fatalf("%q: %v; want a line of printable JSON", line, err)
		}
		entries = append(entries, e)
	}
	return entries
}

// eventsOf returns the events of an actor and a subject.
func eventsOf(entries []trailEntry, subject, actor string) []string {
	var events []string
	for _, e := range entries {
		if e.Subject == subject && e.Actor == actor {
			events = append(events, e.Event)
		}
	}
	return events
}

// Ensures that the trail of a running server is exported completely and in order, with actor, event, address and
// time, and that hostile names in it do no harm.
func TestAuditExport(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	eve := person{`eve"} {"actor" '<script>&%0a$(x)`, "correct horse battery"}
	s := serveStore(t, dsn)
	addUser(t, dsn, eve)
	session := s.logIn(eve)
	s.want(http.StatusUnauthorized, http.MethodPost, loginPath, "",
		loginBody(person{"x\n{\"event\": \"user.created\"}\u2028", "a wrong password"}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+authPath+"/_logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Authorization": {session}, "X-Request-Id": {`r"}{"id": "x`}, "X-Forwarded-For": {`192.0.2.1", "actor": "admin`},
	}
	if r := do(t, request); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}

	entries := exportAudit(t, dsn)
	byTime := func(a, b trailEntry) int { return strings.Compare(a.At+a.ID, b.At+b.ID) }
	if !slices.IsSortedFunc(entries, byTime) {
		t.Errorf("the trail is not in order: %+v", entries)
	}
	var events []string
	for _, e := range entries {
		events = append(events, e.Event+" "+e.Actor+" "+e.Subject)
		if at, err := time.Parse("2006-01-02T15:04:05.000Z", e.At); err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("the time is %q (%v)", e.At, err)
		}
		if remote := e.Actor != "(system)" && e.Actor != "(command line)"; remote != (e.Address == "127.0.0.1") ||
			remote != (e.RequestID != "") {
			t.Errorf("the entry is %+v", e)
		}
	}
	want := []string{
		"user.created (command line) " + eve.name, "session.started " + eve.name + " " + eve.name,
		"guess.failed (anonymous) (unknown user)", "session.ended " + eve.name + " " + eve.name,
	}
	if n := len(events); n < 5 || !slices.Equal(events[n-4:], want) {
		t.Errorf("the trail is %q; want it to end with %q", events, want)
	}
}

// Ensures that --since takes any RFC 3339 time and omits older entries, and that the output may be empty.
func TestAuditExport_Since(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	entry := exportAudit(t, dsn)[0]
	at, err := time.Parse(time.RFC3339, entry.At)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		since time.Time
		want  int
	}{{at, 1}, {at.Add(-time.Hour), 1}, {at.Add(time.Millisecond), 0}, {at.In(time.FixedZone("", 2*60*60)), 1},
		{time.Time{}, 1}} {
		since := test.since.Format(time.RFC3339Nano)
		if n := len(exportAudit(t, dsn, "--since", since)); n != test.want {
			t.Errorf("%d entries since %s; want %d", n, since, test.want)
		}
	}
}

// Ensures that a failed export is reported in one line with the reason.
func TestAuditExport_Refusals(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	wantMistake(t, run(t, invocation{args: []string{"audit", "export", "--store", "sqlite:nothing.db"}}),
		"the database nothing.db does not exist")
	for saying, args := range map[string][]string{
		`--since: "yesterday" is not a time`: {"--store", dsn, "--since",
			"yesterday"},
		`--since: "" is not a time`:     {"--store", dsn, "--since", ""},
		"--store none keeps no records": {"--store", "none"},
		"this is not sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none": {"--store", "mysql:x"},
		`unknown command "all" for "sallyport`:                                         {"--store", dsn, "all"},
	} {
		wantMistake(t, run(t, invocation{args: append([]string{"audit", "export"}, args...)}), saying)
	}
}
