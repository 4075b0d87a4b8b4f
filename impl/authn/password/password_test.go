package password

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Ensures that a password is refused for the right reason.
func TestCheck_Reasons(t *testing.T) {
	longest := strings.Repeat("x-", secret.MaxPassword/2)
	for _, c := range []struct{ password, userName, why string }{
		{"wnf8Kd2q", "alice", ""},
		{"correct horse battery staple", "alice", ""},
		{"вьюга-17", "alice", ""},
		{longest, "alice", ""},
		{"alice-and-bob", "alice", ""},
		{"password-of-mine", "alice", ""},
		{"Passw0rd and more", "alice", ""},
		{" password", "alice", ""},

		{"", "", "at least 8 characters"},
		{"wnf8Kd2", "alice", "at least 8 characters"},
		{"вьюга17", "alice", "at least 8 characters"},
		{"12345", "12345", "at least 8 characters"},
		{longest + "x", "alice", "at most 1024 bytes"},
		{strings.Repeat("ü", secret.MaxPassword/2) + "x", "alice", "at most 1024 bytes"},

		{"alice-cooper", "alice-cooper", "the user name"},
		{"Alice-Cooper", "alice-cooper", "the user name"},
		{"alice-cooper", "ALICE-COOPER", "the user name"},
		{"ÅSA-LINDGREN", "åsa-lindgren", "the user name"},

		{"password", "alice", "easy to guess"},
		{"PassWord", "alice", "easy to guess"},
		{"12345678", "alice", "easy to guess"},
		{"P@ssw0rd", "alice", "easy to guess"},
		{"Winter2024!", "alice", "easy to guess"},
		{"qwertyuiop", "alice", "easy to guess"},
		{"!\"§$%&/()", "alice", "easy to guess"},
		{"ПАРОЛЬ123", "alice", "easy to guess"},
	} {
		err := Check(c.password, c.userName)
		if c.why == "" {
			if err != nil {
				t.Errorf("%.30q: %v", c.password, err)
			}
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.InvalidData || !slices.Equal(f.Fields, []string{"security.password"}) ||
			!strings.Contains(f.Message, c.why) {
			t.Errorf("%.30q: %v, want %q", c.password, err, c.why)
		}
	}
}

// Ensures that an error says what to do, and does not contain the password.
func TestCheck_ErrorTexts(t *testing.T) {
	for _, c := range [][2]string{{"hunter2", ""}, {strings.Repeat("hunter2", 200), ""},
		{"hunter2-again", "hunter2-again"}, {"trustno1", ""}} {
		err := Check(c[0], c[1])
		if err == nil || !strings.Contains(err.Error(), "; choose a") || strings.Contains(err.Error(), c[0]) {
			t.Errorf("%v", err)
		}
	}
}

// Ensures that the list of common passwords is sorted, unique and in lower case, and has no passwords that are refused
// anyway.
func TestCommon_ListFormat(t *testing.T) {
	if !utf8.ValidString(list) || !strings.HasSuffix(list, "\n") {
		t.Fatal("the list is not UTF-8 or does not end with a line's end")
	}
	lines := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
	for i, line := range lines {
		if i > 0 && lines[i-1] >= line {
			t.Errorf("line %d: %q is listed after %q", i+1, line, lines[i-1])
		}
		if line != strings.ToLower(line) || strings.Join(strings.Fields(line), "") != line ||
			utf8.RuneCountInString(line) < Min {
			t.Errorf("line %d: %q", i+1, line)
		}
		if err := Check(strings.ToUpper(line), ""); err == nil && strings.ToLower(strings.ToUpper(line)) == line {
			t.Errorf("line %d: %q is not refused", i+1, line)
		}
	}
	if len(lines) < 1000 || len(common()) != len(lines) {
		t.Errorf("%d lines, %d passwords", len(lines), len(common()))
	}
}

// Ensures that no text causes a panic, and that accepted passwords are within the limits.
func FuzzCheck(f *testing.F) {
	f.Add("password", "alice")
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff", "")
	f.Add("alice-cooper", "ALICE-cooper")
	f.Fuzz(func(t *testing.T, password, userName string) {
		err := Check(password, userName)
		n := utf8.RuneCountInString(password)
		if err == nil && (n < 8 || len(password) > 1024 || password == userName) {
			t.Errorf("%q for %q is accepted", password, userName)
		}
		if err != nil && !fault.Has(err, fault.InvalidData) {
			t.Errorf("%q for %q: %v", password, userName, err)
		}
	})
}
