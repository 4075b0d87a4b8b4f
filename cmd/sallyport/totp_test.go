package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

const (
	totpPath    = authPath + "/totp"
	elevatePath = authPath + "/_elevate"
)

// provisionJSON provisions a second factor and returns it.
func provisionJSON(t *testing.T, dsn, name string) device {
	t.Helper()
	out := mustUser(t, dsn, "", "totp", name, "--output", "json")
	var d device
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil || decoder.More() {
		t.Fatalf("%q: %v; want one object", out, err)
	}
	if d.User != name || len(d.RecoveryCodes) != 10 {
		t.Errorf("the device is %+v", d)
	}
	return d
}

// code returns the current one-time code of a secret.
func (d device) code(t *testing.T) string {
	t.Helper()
	return d.codeAt(t, time.Now())
}

// codeAt returns the one-time code of a secret at a time (RFC 4226 section 5.3, RFC 6238 section 4).
func (d device) codeAt(t *testing.T, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(d.Secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30) // cannot fail
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// enroll enrolls a second factor, and returns the code that this used.
func (p *process) enroll(u person) (d device, used string) {
	p.t.Helper()
	d = device{
		User: u.name, Secret: member(p.t, p.want(http.StatusCreated, http.MethodPost, totpPath, u.basic(), ""), "secret"),
	}
	used = d.code(p.t)
	confirmed := p.want(http.StatusOK, http.MethodPost, totpPath+"/_confirm", u.basic(), `{"token": "`+used+`"}`)
	codes, _ := confirmed.members()["recovery_codes"].([]any)
	for _, code := range codes {
		text, _ := code.(string)
		d.RecoveryCodes = append(d.RecoveryCodes, text)
	}
	return d, used
}

// elevate sends a code, and returns the Authorization header with elevated permissions.
func (p *process) elevate(status int, session, code string) string {
	p.t.Helper()
	r := p.want(status, http.MethodPost, elevatePath, session, `{"token": "`+code+`"}`)
	if r.status != http.StatusOK {
		return session
	}
	return "Bearer " + member(p.t, r, "token")
}

// Ensures that a second factor provisioned while a server runs is valid there immediately, that its code and its
// recovery codes work once each, and that a new second factor replaces it.
func TestUser_TOTP(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn)
	addUser(t, dsn, alice)
	first := provisionJSON(t, dsn, alice.name)
	session := s.logIn(alice)
	session = s.elevate(http.StatusOK, session, first.RecoveryCodes[0])
	s.elevate(http.StatusBadRequest, session, first.RecoveryCodes[0])
	code := first.code(t)
	session = s.elevate(http.StatusOK, session, code)
	s.elevate(http.StatusBadRequest, session, code)

	second := provisionJSON(t, dsn, alice.name)
	if second.Secret == first.Secret || slices.Contains(second.RecoveryCodes, first.RecoveryCodes[1]) {
		t.Error("the second factor that replaces another is the same")
	}
	s.elevate(http.StatusBadRequest, session, first.RecoveryCodes[1])
	s.elevate(http.StatusOK, session, second.code(t))
	if out := mustUser(t, dsn, "", "totp", alice.name, "--remove"); !strings.Contains(out, "removed the second factor") {
		t.Errorf("removing says %q", out)
	}
	s.elevate(http.StatusBadRequest, s.logIn(alice), second.RecoveryCodes[0])
	events := strings.Join(eventsOf(exportAudit(t, dsn), alice.name, "(command line)"), " ")
	if events != "user.created totp.enrolled totp.confirmed totp.enrolled totp.confirmed totp.removed" {
		t.Errorf("the trail has %q", events)
	}
}

// Ensures that the URI in the JSON output is what authenticator apps read, with the same secret.
func TestUser_TOTP_URI(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	serveStore(t, dsn).stop()
	d := provisionJSON(t, dsn, "admin")
	uri, err := url.Parse(d.URI)
	if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Sallyport:admin" ||
		uri.Query().Get("secret") != d.Secret {
		t.Errorf("the address is %s (%v)", d.URI, err)
	}
}

var recoveryCode = regexp.MustCompile(`(?m)^  [a-z2-7]{4}(-[a-z2-7]{4}){3}$`)

// Ensures that the text output has a QR code of the URI, the URI, and the recovery codes with their explanation.
func TestUser_TOTP_Text(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	serveStore(t, dsn).stop()
	out := mustUser(t, dsn, "", "totp", alice.name)
	uri := regexp.MustCompile(`(?m)^  (otpauth://totp/Sallyport:alice\?\S+)$`).FindStringSubmatch(out)
	if uri == nil || !strings.Contains(out, "\n"+qrCode(uri[1])+"\n") {
		t.Errorf("there is no address, or no QR code of it:\n%s", out)
	}
	if n := len(recoveryCode.FindAllString(out, -1)); n != 10 {
		t.Errorf("%d recovery codes; want 10:\n%s", n, out)
	}
	for _, want := range []string{"works once instead of a one-time code", "None of this is shown again"} {
		if !strings.Contains(out, want) {
			t.Errorf("the text does not say %q:\n%s", want, out)
		}
	}
}

// Ensures that a QR code is a square with a margin, made of the four half blocks only, also for the longest user
// name.
func TestQRCode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"otpauth://totp/Sallyport:alice?secret=A",
		"otpauth://totp/Sallyport:" + strings.Repeat("%25", 507) + "?secret=" + strings.Repeat("A", 100)} {
		lines := strings.Split(strings.TrimSuffix(qrCode(text), "\n"), "\n")
		width := utf8.RuneCountInString(lines[0])
		for _, line := range lines {
			if utf8.RuneCountInString(line) != width || strings.Trim(line, " ▀▄█") != "" || !strings.HasPrefix(line, "██") &&
				!strings.HasPrefix(line, "▀▀") {
				t.Fatalf("a line is %q; want %d half blocks", line, width)
			}
		}
		if height := 2 * len(lines); height < width-1 || height > width+2 {
			t.Errorf("%d rows of %d", height, width)
		}
	}
}

// Ensures that no second factor is provisioned that the server could not decrypt, and that no key is created beside a
// database.
func TestUser_TOTP_Key(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	path := databaseFile(dsn) + ".key"
	refused := func(saying string, env ...string) {
		t.Helper()
		o := run(t, invocation{args: []string{"user", "totp", "alice", "--store", dsn}, env: env})
		wantMistake(t, o, saying)
	}
	refused("there is no key-encryption key yet: start a server on the database, which creates " + path)
	if exists(path) {
		t.Fatal("a key was made")
	}
	serveStore(t, dsn).stop()
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := base64.StdEncoding.EncodeToString(secret.NewKey())
	refused("SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database is encrypted with",
		"SALLYPORT_KEY_ENCRYPTION_KEY="+wrong)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("the key file " + path + " is missing; restore it from the backup of this database, " +
		"or set SALLYPORT_KEY_ENCRYPTION_KEY as for the server\n")
	if exists(path) {
		t.Error("another key was made")
	}
	o := run(t, invocation{
		args: []string{"user", "totp", "alice", "--store", dsn},
		env:  []string{"SALLYPORT_KEY_ENCRYPTION_KEY=" + strings.TrimSpace(string(key))},
	})
	if o.code != 0 || exists(path) {
		t.Errorf("with the key from the environment: exit code %d, %s", o.code, o.stderr)
	}
	writeFile(t, path, wrong)
	refused("the key in " + path + " is not the one that this database is encrypted with")
	writeFile(t, path, "no key")
	refused(path + " does not hold 32 bytes in base64")
}

// Ensures that an error leaves the user's second factor as it is.
func TestUser_TOTP_Refusals(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	serveStore(t, dsn).stop()
	for saying, args := range map[string][]string{
		"this must be one of text, json, yaml":   {"alice", "--output=xml"},
		"this takes one NAME":                    {"alice", "bob"},
		"keeps no records":                       {"alice", "--store=none"},
		"the database nothing.db does not exist": {"alice", "--store=sqlite:nothing.db"},
	} {
		wantMistake(t, runUser(t, dsn, "", append([]string{"totp"}, args...)...), saying)
	}
	wantRefusal(t, runUser(t, dsn, "", "totp", "bob"), `no user "bob"`)
	if events := eventsOf(exportAudit(t, dsn), alice.name, "(command line)"); !slices.Equal(events,
		[]string{"user.created"}) {
		t.Errorf("the trail has %q", events)
	}
}
