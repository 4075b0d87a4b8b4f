package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/samltest"
)

const (
	samlPath = authPath + "/saml"
	spEntity = "https://sp.example/saml"
	spACS    = "https://sp.example" + samlPath + "/_callback"

	replayRounds = 200
	// replayWave is the number of concurrent rounds, which sign in the same new user.
	replayWave = 8
	// replayPosts is the number of concurrent posts of each response, alternately to two servers.
	replayPosts = 4
)

// Ensures that of concurrent posts of one captured response to two servers on one database, exactly one creates a
// session, which the other server accepts, too.
func TestSAMLReplay(t *testing.T) {
	t.Parallel()
	dsn, idp := newStore(t), samltest.New(time.Now())
	env := []string{"SALLYPORT_SAML_REALMS=" + replayRealm(t, idp), "SALLYPORT_TRUSTED_PROXIES=127.0.0.0/8"}
	r := replay{idp: idp, servers: [2]*process{serveStore(t, dsn, env...), serveStore(t, dsn, env...)}}
	var won [2]int
	began := time.Now()
	for wave := range replayRounds / replayWave {
		for _, s := range r.wave(t, wave) {
			won[s.server]++
			r.servers[1-s.server].wantAuth(http.StatusOK, "Bearer "+s.token)
		}
	}
	t.Logf("%d rounds took %v; the servers won %v of them", replayRounds, time.Since(began).Round(time.Millisecond), won)
	checkReplays(t, dsn)
	r.checkReasons(t)
}

// replayRealm writes a file with one realm, and returns its path.
func replayRealm(t *testing.T, idp *samltest.IdP) string {
	t.Helper()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "idp.xml"), string(idp.Metadata()))
	path := filepath.Join(folder, "realms.yaml")
	writeFile(t, path, `realms:
  - id: staff
    idp: {entity_id: "`+idp.EntityID+`", metadata: idp.xml}
    sp: {entity_id: "`+spEntity+`", acs: "`+spACS+`"}
    role_mappings: {default_roles: [ece_deployment_viewer]}
`)
	return path
}

// checkReplays fails the test unless the database has exactly the records of that number of sign-ins.
func checkReplays(t *testing.T, dsn string) {
	t.Helper()
	db := openDatabase(t, dsn, "mode=ro")
	for query, want := range map[string]int{
		`SELECT count(*) FROM saml_sessions WHERE realm = 'staff'`:       replayRounds,
		`SELECT count(*) FROM sessions`:                                  replayRounds,
		`SELECT count(*) FROM saml_assertions WHERE issuer <> ''`:        replayRounds,
		`SELECT count(*) FROM saml_assertions WHERE issuer = ''`:         replayRounds,
		`SELECT count(*) FROM audit_log WHERE event = 'session.started'`: replayRounds,
		`SELECT count(*) FROM saml_requests`:                             0,
		`SELECT count(*) FROM users WHERE realm = 'staff'`:               replayRounds / replayWave,
		`SELECT count(DISTINCT user_name) FROM sessions`:                 replayRounds / replayWave,
	} {
		if got := scalar(t, db, query); got != strconv.Itoa(want) {
			t.Errorf("%s: %s; want %d", query, got, want)
		}
	}
}

// replay is two servers that share a database and a realm.
type replay struct {
	idp     *samltest.IdP
	servers [2]*process
}

// signedIn is a session, and the server that created it.
type signedIn struct {
	token  string
	server int
}

// wave replays several sign-ins concurrently, and returns the session of each.
func (r *replay) wave(t *testing.T, number int) []signedIn {
	t.Helper()
	sessions, failures := make([]signedIn, replayWave), make([]error, replayWave)
	var rounds sync.WaitGroup
	for i := range replayWave {
		rounds.Go(func() {
			// Failed attempts are counted by address, so each round has its own.
			b := newBrowser(fmt.Sprintf("198.18.%d.%d", number, i))
			defer b.CloseIdleConnections()
			sessions[i], failures[i] = r.round(t.Context(), b, fmt.Sprintf("user%d@example.com", number))
		})
	}
	rounds.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatalf("in wave %d: %v", number+1, err)
	}
	return sessions
}

// round begins a sign-in at the first server, and posts the captured response to both.
func (r *replay) round(ctx context.Context, b browser, nameID string) (signedIn, error) {
	begun, err := b.send(ctx, http.MethodGet, r.servers[0].url+samlPath+"/_init?state=page", "", "")
	if err != nil {
		return signedIn{}, err
	}
	if begun.status != http.StatusFound {
		return signedIn{}, fmt.Errorf("_init: %d %s", begun.status, begun.body)
	}
	redirect, err := url.Parse(begun.header.Get("Location"))
	if err != nil {
		return signedIn{}, err
	}
	id, err := requestID(redirect.Query().Get("SAMLRequest"))
	if err != nil {
		return signedIn{}, err
	}
	answer := r.idp.Answer(samltest.Request{ID: id, ACS: spACS, EntityID: spEntity, Now: time.Now(), NameID: nameID})
	form := url.Values{"SAMLResponse": {answer}, "RelayState": {redirect.Query().Get("RelayState")}}.Encode()
	cookie, _, _ := strings.Cut(begun.header.Get("Set-Cookie"), ";")
	return r.bring(ctx, b, cookie, form)
}

// bring posts the same form several times concurrently, and returns the one session that this creates.
func (r *replay) bring(ctx context.Context, b browser, cookie, form string) (signedIn, error) {
	replies, failures := make([]reply, replayPosts), make([]error, replayPosts)
	var posts sync.WaitGroup
	for i := range replayPosts {
		posts.Go(func() {
			replies[i], failures[i] = b.send(ctx, http.MethodPost, r.servers[i%2].url+samlPath+"/_callback", cookie, form)
		})
	}
	posts.Wait()
	var sessions []signedIn
	for i, got := range replies {
		token, found := strings.CutPrefix(got.header.Get("Location"), "/sso/token#")
		token, state := strings.CutSuffix(token, "?state=page")
		switch {
		case got.status == http.StatusFound && found && state:
			sessions = append(sessions, signedIn{token, i % 2})
		case got.status != http.StatusUnauthorized || found:
			failures = append(failures, fmt.Errorf("_callback: %d %s", got.status, got.body))
		}
	}
	if len(sessions) != 1 {
		return signedIn{}, errors.Join(append(failures, fmt.Errorf("an answer begins %d sessions", len(sessions)))...)
	}
	return sessions[0], errors.Join(failures...)
}

var refusedBecause = regexp.MustCompile(`"msg":"a SAML sign-in was refused".*"reason":"([^"]+)"`)

// checkReasons fails the test unless each response but the first was refused as a replay by the transaction, which is
// the last check and the only one that separates concurrent posts.
func (r *replay) checkReasons(t *testing.T) {
	t.Helper()
	const replayed = "the sign-in was answered already"
	reasons := map[string]int{}
	for _, s := range r.servers {
		s.stop() // so that the whole log is written
		for _, found := range refusedBecause.FindAllStringSubmatch(s.output.String(), -1) {
			reasons[found[1]]++
		}
	}
	t.Logf("refused: %v", reasons)
	if got := reasons[replayed]; got != replayRounds*(replayPosts-1) || len(reasons) > 1 {
		t.Errorf("%d answers are refused for being a replay; want %d", got, replayRounds*(replayPosts-1))
	}
}
