package http_test

import (
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sallyport/sallyport/gen/client"
)

// device is a second factor in a test's hands.
type device struct {
	w        *world
	secret   string
	recovery []string
}

// enroll gives a user a confirmed second factor over the API.
func (w *world) enroll(caller client.RequestEditorFn) device {
	w.Helper()

	enrolled, err := w.client.EnrollTOTPDeviceWithResponse(w.Context(), caller)
	if err != nil || enrolled.JSON201 == nil {
		w.Fatalf("enroll: %v %s", err, enrolled.Body)
	}

	d := device{w: w, secret: enrolled.JSON201.Secret}
	if !strings.HasPrefix(enrolled.JSON201.URI, "otpauth://totp/Sallyport:") ||
		!strings.Contains(enrolled.JSON201.URI, "secret="+d.secret) {
		w.Errorf("the URI is %s", enrolled.JSON201.URI)
	}

	confirmed, err := w.client.ConfirmTOTPDeviceWithResponse(w.Context(), client.ConfirmTOTPRequest{Token: d.code()},
		caller)
	if err != nil || confirmed.JSON200 == nil || len(confirmed.JSON200.RecoveryCodes) != 10 {
		w.Fatalf("confirm: %v %s", err, confirmed.Body)
	}

	d.recovery = confirmed.JSON200.RecoveryCodes
	w.clock.advance(30 * time.Second) // the confirming code is used up
	return d
}

// code is the device's code now.
func (d device) code() string {
	d.w.Helper()
	code, err := totp.GenerateCode(d.secret, d.w.clock.Now())
	if err != nil {
		d.w.Fatal(err)
	}
	return code
}

func (w *world) elevate(token, code string) *client.EnableElevatedPermissionsResult {
	w.Helper()
	r, err := w.client.EnableElevatedPermissionsWithResponse(w.Context(), client.ElevatePermissionsRequest{Token: &code},
		bearer(token))
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// mustElevate returns an elevated token.
func (w *world) mustElevate(token, code string) string {
	w.Helper()
	r := w.elevate(token, code)
	if r.JSON200 == nil || r.JSON200.Token == token {
		w.Fatalf("elevate: %s", r.Body)
	}
	return r.JSON200.Token
}

// elevated returns until when a token is elevated, as the API tells in its two places; zero if it is not.
func (w *world) elevated(token string) time.Time {
	w.Helper()

	info, err := w.client.GetAuthenticationInfoWithResponse(w.Context(), bearer(token))
	if err != nil || info.JSON200 == nil {
		w.Fatalf("info: %v %s", err, info.Body)
	}

	me, err := w.client.GetCurrentUserWithResponse(w.Context(), bearer(token))
	if err != nil || me.JSON200 == nil {
		w.Fatalf("user: %v %s", err, me.Body)
	}

	shown := me.JSON200.Security.ElevatedPermissions
	if shown.Enabled != info.JSON200.HasElevatedPermissions {
		w.Errorf("the user says %t, the info %t", shown.Enabled, info.JSON200.HasElevatedPermissions)
	}
	if !shown.Enabled {
		return time.Time{}
	}
	if !shown.ExpiresAt.Equal(*info.JSON200.ElevatedPermissionsExpireAt) {
		w.Errorf("the user says %s, the info %s", shown.ExpiresAt, info.JSON200.ElevatedPermissionsExpireAt)
	}

	return *shown.ExpiresAt
}

// Ensures that an elevation lasts as long as it should, to the second, and that refreshing before, during and after
// keeps it, never lengthens it, and never brings it back.
func TestElevate(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	d := w.enroll(alice)
	plain := w.login("alice", alicePassword)
	if !w.elevated(plain).IsZero() || !w.elevated(w.refresh(plain).JSON200.Token).IsZero() {
		t.Error("a new session is elevated")
	}

	token := w.mustElevate(plain, d.code())
	end := w.clock.Now().Add(15 * time.Minute)
	if got := w.elevated(token); !got.Equal(end) {
		t.Errorf("elevated until %s, want %s", got, end)
	}

	w.clock.advance(10 * time.Minute)
	token = w.refresh(token).JSON200.Token
	if got := w.elevated(token); !got.Equal(end) {
		t.Errorf("after a refresh elevated until %s, want %s", got, end)
	}

	w.clock.advance(5*time.Minute - time.Second)
	if w.elevated(token).IsZero() {
		t.Error("the elevation ends early")
	}

	w.clock.advance(time.Second)
	if !w.elevated(token).IsZero() {
		t.Error("the elevation outlives its time")
	}
	if after := w.refresh(token).JSON200.Token; !w.elevated(after).IsZero() {
		t.Error("a refresh brings the elevation back")
	}
}

// Ensures that another code prolongs the elevation, that giving it up makes every token plain and may be done twice,
// and that signing out ends it.
func TestElevate_RenewAndEnd(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	d := w.enroll(alice)
	first := w.mustElevate(w.login("alice", alicePassword), d.code())
	w.clock.advance(14 * time.Minute)
	second := w.mustElevate(first, d.code())
	if got, want := w.elevated(second), w.clock.Now().Add(15*time.Minute); !got.Equal(want) {
		t.Errorf("renewed until %s, want %s", got, want)
	}

	lower := func(token string) string {
		r, err := w.client.DisableElevatedPermissionsWithResponse(t.Context(), bearer(token))
		if err != nil || r.JSON200 == nil {
			t.Fatalf("lower: %v %s", err, r.Body)
		}
		return r.JSON200.Token
	}

	plain := lower(second)
	if !w.elevated(plain).IsZero() || !w.elevated(first).IsZero() || !w.elevated(second).IsZero() {
		t.Error("a token is elevated after the elevation was given up")
	}

	again := lower(plain)
	if !w.elevated(again).IsZero() {
		t.Error("giving up twice elevates")
	}

	w.clock.advance(30 * time.Second)
	raised := w.mustElevate(again, d.code())
	if _, err := w.client.LogoutWithResponse(t.Context(), bearer(again)); err != nil || w.alive(bearer(raised)) {
		t.Error("the elevated token outlives the session")
	}
}

// Ensures that whatever is not a code that works is answered alike, and that a code works once.
func TestElevate_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	d := w.enroll(alice)
	token := w.login("alice", alicePassword)
	const path = "/api/v1/users/auth/_elevate"
	for _, body := range []string{"", "{}", `{"token":""}`, `{"token":"x"}`, `{"token":"` + d.recovery[0][1:] + `"}`} {
		response, text := w.do(http.MethodPost, path, body, bearer(token))
		w.refused(response, text, http.StatusBadRequest, "authc.invalid_token", "token")
	}

	response, text := w.do(http.MethodPost, path, `{"token":1}`, bearer(token))
	w.refused(response, text, http.StatusBadRequest, "root.invalid_data", "token")
	code := d.code()
	w.mustElevate(token, code)
	for name, used := range map[string]string{
		"the same again": code,
		"the one before": d.codeAt(-30 * time.Second),
		"too old":        d.codeAt(-time.Minute),
		"too new":        d.codeAt(time.Minute),
	} {
		if r := w.elevate(token, used); r.JSON400 == nil || r.JSON400.Errors[0].Code != "authc.invalid_token" {
			t.Errorf("%s: %s", name, r.Body)
		}
	}

	w.mustElevate(token, d.codeAt(30*time.Second)) // a clock that is a step ahead
	w.mustElevate(token, strings.ToUpper(d.recovery[0]))
	if r := w.elevate(token, d.recovery[0]); r.JSON400 == nil {
		t.Errorf("a recovery code works twice: %s", r.Body)
	}
	if r := w.elevate(w.login("bob", bobPassword), d.recovery[1]); r.JSON400 == nil {
		t.Errorf("another's recovery code works: %s", r.Body)
	}

	key := w.keyOf(bearer(w.mustElevate(token, d.recovery[1])))
	for _, caller := range []client.RequestEditorFn{alice, apiKey(key)} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			response, text := w.do(method, path, `{"token":"`+d.recovery[2]+`"}`, caller)
			w.refused(response, text, http.StatusUnauthorized, "root.unauthorized", "Authorization")
		}
	}
}

func (d device) codeAt(offset time.Duration) string {
	d.w.Helper()
	code, err := totp.GenerateCode(d.secret, d.w.clock.Now().Add(offset))
	if err != nil {
		d.w.Fatal(err)
	}
	return code
}

func (w *world) keyOf(caller client.RequestEditorFn) string {
	w.Helper()
	return *w.newKey(caller, "a key", "").Key
}

// Ensures that of two submissions of one code at once exactly one is answered with 200, 500 times.
func TestElevate_Race(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	d := w.enroll(alice)
	for round := range 500 / everyCase {
		token := w.login("alice", alicePassword)
		w.clock.advance(30 * time.Second)
		code := d.code()
		var right, wrong atomic.Int32
		parallel(2, func(int) {
			switch r := w.elevate(token, code); r.StatusCode() {
			case http.StatusOK:
				right.Add(1)
			case http.StatusBadRequest:
				wrong.Add(1)
			default:
				t.Errorf("round %d: %s", round, r.Body)
			}
		})
		if right.Load() != 1 || wrong.Load() != 1 {
			t.Fatalf("round %d: %d right, %d wrong", round, right.Load(), wrong.Load())
		}
	}
}

// Ensures that codes of an authenticator that is not ours are accepted.
func TestElevate_Oathtool(t *testing.T) {
	t.Parallel()

	tool, err := exec.LookPath("oathtool")
	if err != nil {
		t.Skip("oathtool is not installed (Debian's package oathtool), so no other authenticator's codes are tried")
	}

	w := newWorld(t)
	d := w.enroll(alice)
	for range 20 {
		w.clock.advance(37 * time.Second)
		token := w.login("alice", alicePassword)
		out, err := exec.CommandContext(t.Context(), tool, "--totp", "--base32", "--now",
			"@"+strconv.FormatInt(w.clock.Now().Unix(), 10), d.secret).Output()
		if err != nil {
			t.Fatal(err)
		}
		w.mustElevate(token, strings.TrimSpace(string(out)))
	}
}

// Ensures that a second factor can be enrolled, confirmed and removed, and which callers may do so.
func TestDevice(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	get := func() *client.GetTOTPDeviceResult {
		r, err := w.client.GetTOTPDeviceWithResponse(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if get().JSON404 == nil {
		t.Error("there is a device before one was set up")
	}
	if r, err := w.client.RemoveTOTPDeviceWithResponse(t.Context(), alice); err != nil || r.JSON404 == nil {
		t.Errorf("removing nothing: %v %s", err, r.Body)
	}
	if r, err := w.client.ConfirmTOTPDeviceWithResponse(t.Context(), client.ConfirmTOTPRequest{Token: "123456"},
		alice); err != nil || r.JSON404 == nil {
		t.Errorf("confirming nothing: %v %s", err, r.Body)
	}

	first, err := w.client.EnrollTOTPDeviceWithResponse(t.Context(), alice)
	if err != nil || first.JSON201 == nil || get().JSON200.Confirmed {
		t.Fatalf("enroll: %v %s", err, first.Body)
	}
	if r, err := w.client.ConfirmTOTPDeviceWithResponse(t.Context(), client.ConfirmTOTPRequest{Token: "000000x"},
		alice); err != nil || r.JSON400 == nil {
		t.Errorf("confirming with a wrong code: %v %s", err, r.Body)
	}
	if r, err := w.client.RemoveTOTPDeviceWithResponse(t.Context(), alice); err != nil || r.JSON200 == nil {
		t.Errorf("removing a device that is not confirmed: %v %s", err, r.Body)
	}

	d := w.enroll(alice)
	if d.secret == first.JSON201.Secret {
		t.Error("the secret is used again")
	}
	if r := get(); r.JSON200 == nil || !r.JSON200.Confirmed || r.JSON200.RecoveryCodesLeft != 10 ||
		strings.Contains(string(r.Body), d.secret) {
		t.Errorf("the device is %s", r.Body)
	}

	info, err := w.client.GetAuthenticationInfoWithResponse(t.Context(), alice)
	if err != nil || !*info.JSON200.HasTOTPDevice || *info.JSON200.TOTPDeviceSource != "native" {
		t.Errorf("the info is %s", info.Body)
	}
	if r, err := w.client.EnrollTOTPDeviceWithResponse(t.Context(), alice); err != nil || r.JSON409 == nil {
		t.Errorf("enrolling twice: %v %s", err, r.Body)
	}
	if r, err := w.client.ConfirmTOTPDeviceWithResponse(t.Context(), client.ConfirmTOTPRequest{Token: d.code()},
		alice); err != nil || r.JSON409 == nil {
		t.Errorf("confirming twice: %v %s", err, r.Body)
	}

	response, body := w.do(http.MethodDelete, "/api/v1/users/auth/totp", "", alice)
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.second_factor_required")
	token := w.mustElevate(w.login("alice", alicePassword), d.recovery[9])
	if r := get(); r.JSON200.RecoveryCodesLeft != 9 {
		t.Errorf("after one is used, %d recovery codes are left", r.JSON200.RecoveryCodesLeft)
	}
	if r, err := w.client.RemoveTOTPDeviceWithResponse(t.Context(), bearer(token)); err != nil || r.JSON200 == nil ||
		get().JSON404 == nil {
		t.Errorf("removing: %v %s", err, r.Body)
	}
}

// Ensures that the holder of an open session or of a key alone cannot set up a second factor.
func TestDevice_RecentPassword(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token, key := w.login("alice", alicePassword), w.keyOf(alice)
	enroll := func(caller client.RequestEditorFn) (*http.Response, string) {
		return w.do(http.MethodPost, "/api/v1/users/auth/totp", "", caller)
	}
	response, body := enroll(apiKey(key))
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.recent_password_required")
	w.clock.advance(10*time.Minute - time.Second)
	if response, body := enroll(bearer(token)); response.StatusCode != http.StatusCreated {
		t.Errorf("a session that is recent: %s", body)
	}

	w.clock.advance(time.Second)
	response, body = enroll(bearer(w.refresh(token).JSON200.Token))
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.recent_password_required")
	if response, body := enroll(alice); response.StatusCode != http.StatusCreated {
		t.Errorf("Basic: %s", body)
	}
}

// Ensures that a device that an administrator provides counts at once, in place of the user's own.
func TestDevice_Provision(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	old := w.enroll(alice)
	raised := w.mustElevate(w.login("alice", alicePassword), old.recovery[1])
	enrollment, recovery, err := w.app.Elevation.Provision(t.Context(), "alice")
	if err != nil || len(recovery) != 10 {
		t.Fatalf("provision: %v", err)
	}
	if !w.elevated(raised).IsZero() {
		t.Error("what the old device elevated is elevated still")
	}

	d := device{w: w, secret: enrollment.Secret, recovery: recovery}
	token := w.login("alice", alicePassword)
	for name, code := range map[string]string{"code": old.code(), "recovery code": old.recovery[0]} {
		if r := w.elevate(token, code); r.JSON400 == nil {
			t.Errorf("the old device's %s works: %s", name, r.Body)
		}
	}

	w.mustElevate(token, d.code())
	if _, _, err := w.app.Elevation.Provision(t.Context(), "unknown"); err == nil {
		t.Error("an unknown user has a device")
	}
}
