package privilege

import (
	"strings"
	"testing"
	"time"
)

// Ensures that wildcards and regular expressions match the right names, and whole names only.
func TestParse(t *testing.T) {
	for _, c := range []struct{ text, yes, no string }{
		{"logs", "logs", "log logss Logs"},
		{"logs-*", "logs- logs-a logs-*", "logs xlogs-a"},
		{"*", "a * .x", ""},
		{"**", "a *", ""},
		{"*-x", "-x a-x", "a-xx"},
		{"l?g", "log l?g lög", "lg loog"},
		{"a.b", "a.b", "axb"},
		{`a\*`, "a*", `ab a\*`},
		{`a\?*`, "a?b", "ab"},
		{`a\`, `a\`, "a"},
		{"a(b|c)", "a(b|c)", "ab"},
		{"/a(b|c)/", "ab ac", "a abc xab /ab/"},
		{"/ab?c+/", "ac abcc", "ab abbc"},
		{"/a{2}/", "aa", "a aaa"},
		{"/a{1,}/", "a aaaa", "b"},
		{"/a{0,1}b/", "b ab", "aab"},
		{"/(ab)*c/", "c ababc", "abac"},
		{"/a+?b/", "b ab aab", "a"},
		{"/a**/", "a aaa", "b"},
		{"/[a-c]x/", "ax cx", "dx"},
		{"/[^a-c]x/", "dx", "ax x"},
		{`/[a\-z]/`, "a - z", "b"},
		{`/a\.b/`, "a.b", "axb"},
		{`/a"b.c"d/`, "ab.cd", "abxcd"},
		{`/"ab"+/`, "ab abab", "abb"},
		{`/\d\w\s?/`, "1a", "aa"},
		{`/\D/`, "a", "1"},
		{`/\n/`, "n", "a"},
		{"/a@/", "a abc", "b"},
		{"/a|#/", "a", "b #"},
		{"/~(([.]|ilm-history-).*)/", "a ilm-history i ilm ilm-historx- logs-1", ".a . ilm-history- ilm-history-7"},
		{`/~(a\.b.*)/`, "a a. b abb axb", "a.b a.bc"},
		{`/metrics-.*&~(metrics-endpoint\.x.*)/`, "metrics- metrics-a metrics-endpoint.y", "metrics metrics-endpoint.x a"},
		{"/a.*&~((b|ac|ab).*)/", "a aa ad", "b ab abc ac"},
		{"/^a$/", "^a$", "a"},
		{"/a()b/", "ab", "a"},
		{"/.security.*/", ".security-7 xsecurity", "security"},
	} {
		p, err := parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}

		for name := range strings.FieldsSeq(c.yes) {
			if !p.matches(name) {
				t.Errorf("%s does not match %q", c.text, name)
			}
		}

		for name := range strings.FieldsSeq(c.no) {
			if p.matches(name) {
				t.Errorf("%s matches %q", c.text, name)
			}
		}
	}
}

// Ensures that invalid and unsupported patterns are refused with the reason.
func TestParse_Refused(t *testing.T) {
	for text, why := range map[string]string{
		"/":                                    "slash",
		"/a":                                   "slash",
		"a\xff":                                "UTF-8",
		"a\x00":                                "control",
		strings.Repeat("a", maxPatternBytes+1): "too long",
		"/~a/":                                 "'~' is not supported",
		"/~(a.b.*)/":                           "'~' is not supported",
		"/~(a)/":                               "'~' is not supported",
		"/~((a|).*)/":                          "'~' is not supported",
		"/a|b.*&~(ab.*)/":                      "'&' is not supported",
		"/ab.*&~(a.*)/":                        "no name",
		"/~(" + strings.Repeat("a", 101) + ".*)/": "complex",
		"/a&b/":               "'&' is not supported",
		"/<1-5>/":             "'<' is not supported",
		"/*a/":                "out of place",
		"/a|/":                "empty",
		"/|a/":                "empty",
		"/(a/":                "missing",
		"/a)/":                "no opening counterpart",
		"/[a/":                "missing",
		"/[]/":                "out of place",
		"/[.-]/":              "out of place",
		"/[b-a]/":             "ends before it starts",
		`/"a/`:                "missing",
		`/a\/`:                "backslash",
		"/a{/":                "missing",
		"/a{x}/":              "number",
		"/a{2,1}/":            "number",
		"/a{512}/":            "number",
		"/a{-1}/":             "number",
		"/((a{99}){99}){99}/": "complex",
		`/[\d]/`:              "not supported",
		"/" + strings.Repeat("(", 200) + "a" + strings.Repeat(")", 200) + "/": "complex",
		"/a" + strings.Repeat("*", 500) + "/":                                 "complex",
	} {
		_, err := parse(text)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40q: %v; want %q", text, err, why)
		}
	}
}

// naive is a slow and simple wildcard matcher, as a reference.
func naive(pattern, name []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == '*':
		return naive(pattern[1:], name) || len(name) > 0 && naive(pattern, name[1:])
	case len(name) == 0:
		return false
	case pattern[0] == '\\' && len(pattern) > 1:
		return pattern[1] == name[0] && naive(pattern[2:], name[1:])
	}

	return (pattern[0] == '?' || pattern[0] == name[0]) && naive(pattern[1:], name[1:])
}

// Ensures that wildcard patterns agree with a simple matcher, and that the quick comparisons are right.
func FuzzWildcard(f *testing.F) {
	for _, seed := range [][3]string{{"a*", "ab", "a?*"}, {"*a*b?", "xaybz", "*"}, {`\*\`, `*\`, "?"},
		{"?*", "", ".security*"}} {
		f.Add(seed[0], seed[1], seed[2])
	}

	f.Fuzz(func(t *testing.T, text, name, other string) {
		if len(text) > 24 || len(name) > 24 || len(other) > 24 || strings.HasPrefix(text, "/") ||
			strings.HasPrefix(other, "/") {
			return
		}

		p, err := parse(text)
		q, err2 := parse(other)
		if err != nil || err2 != nil || !isValidName(name) {
			return
		}

		got := p.matches(name)
		if want := naive([]rune(text), []rune(name)); got != want {
			t.Errorf("%q matches %q: %t", text, name, got)
		}
		if !got || q.matches(name) {
			return
		}
		if q.covers(p) || within(q, p) {
			t.Errorf("%q contains %q, and has no %q", other, text, name)
		}
	})
}

// Ensures that no regular expression breaks or stalls the translation, the match or a search, and that the results of
// searches are right.
func FuzzLucene(f *testing.F) {
	for _, seed := range [][2]string{{"a(b|c)*", "abc"}, {"[^a-z]{2,5}", "12"}, {`"a.b"?@#`, "x"},
		{"((a*)*)*b", "aaaaaaaaaaaaaaaaaaaa"}, {`\d\w[\]]`, "1a]"}} {
		f.Add(seed[0], seed[1])
	}

	f.Fuzz(func(t *testing.T, text, name string) {
		begun := time.Now()
		p, err := parse("/" + text + "/")
		if err != nil || !isValidName(name) || len(name) > 255 {
			return
		}

		got := p.matches(name)
		literal := within(p, &pattern{text: name, source: nameSource(name), states: len(name)})
		if literal && !got {
			t.Errorf("/%s/ contains %q and does not match it", text, name)
		}

		within(must("a*"), p)
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("/%s/ took %v", text, took)
		}
	})
}

// nameSource is the source of a name, for a pattern that no quick comparison knows to be exact.
func nameSource(text string) string { return name(text).source }

// Ensures that a search with too many combinations ends soon, and with false.
func TestContains_TooManyStates(t *testing.T) {
	for _, c := range [][2]string{
		{"*", "/.*a.{200}|.*b.{200}/"},
		{"/(a|b)*/", "/(a|b)*a(a|b){40}|(a|b)*b(a|b){41}/"},
		{"/([^a]|[^b]){300}/", "/([^a]?[^b]?){300}/"},
		{"/@(a?){400}/", "/@(()|()|a?){400}b?/"},
		{"/[" + strings.Repeat("aceg", 100) + "]{400}/", "/([acegikmoqsuwy]?){400}/"},
	} {
		inner, outer := must(c[0]), must(c[1])
		begun := time.Now()
		got := within(outer, inner)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%.40s in %.40s: %t after %v", c[0], c[1], got, took)
		} else {
			t.Logf("%.40s in %.40s: %t after %v", c[0], c[1], got, took)
		}
	}
}
