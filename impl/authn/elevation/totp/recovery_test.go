package totp

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

// Ensures that there are ten codes, well-formed and unique, which use every character of the alphabet.
func TestNewRecoveryCodes(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`)
	seen, characters := map[string]bool{}, map[rune]bool{}
	for range 100 {
		codes := NewRecoveryCodes(rand.Reader)
		if len(codes) != 10 {
			t.Fatalf("%d codes", len(codes))
		}
		for _, code := range codes {
			if !form.MatchString(code) || seen[code] {
				t.Fatalf("%q", code)
			}
			seen[code] = true
			for _, r := range code {
				characters[r] = true
			}
			if plain, ok := NormalizeRecoveryCode(code); !ok || plain != strings.ReplaceAll(code, "-", "") {
				t.Fatalf("%q becomes %q, %t", code, plain, ok)
			}
		}
	}
	if len(characters) != 33 {
		t.Errorf("%d characters occur, not 32 and the dash", len(characters))
	}
}

// Ensures that all ways of typing a code are accepted, and that other texts are not.
func TestNormalizeRecoveryCode(t *testing.T) {
	const code = "abcdefghijkl2345"
	for _, text := range []string{
		code, "abcd-efgh-ijkl-2345", "ABCD-EFGH-IJKL-2345", " abcd efgh ijkl 2345\n", "Abcd–efgh—ijkl−2345",
		"--abcdef gh\u00a0ij\tkl2345--",
	} {
		if got, ok := NormalizeRecoveryCode(text); !ok || got != code {
			t.Errorf("%q: %q, %t", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "-", "abcdefghijkl234", "abcdefghijkl23456", "abcdefghijkl2341", "abcdefghijkl2340", "abcdefghijkl2348",
		"abcdefghijkl2349",
		"abcd_efgh_ijkl_2345", "abcd.efgh.ijkl.2345", "abcdefghij\u212al2345", "abcdefghijkl234５", "abcdefghijkl234\xff",
		"äbcdefghijkl2345",
		code + code, code + "\x00", strings.Repeat(" ", 1000), strings.Repeat("a", 1_000_000),
	} {
		if got, ok := NormalizeRecoveryCode(text); ok || got != "" {
			t.Errorf("%.40q: %q, %t", text, got, ok)
		}
	}
}

// Ensures that no text causes a panic, and that an accepted code is well-formed and normalizes to itself.
func FuzzNormalizeRecoveryCode(f *testing.F) {
	for _, seed := range []string{"abcd-efgh-ijkl-2345", "ABCD efgh–ijkl2345", "", "abcdefghijkl2341", "\xff", "\u212a"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^[a-z2-7]{16}$`)
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := NormalizeRecoveryCode(text)
		if !ok {
			if code != "" {
				t.Errorf("%q: refused with %q", text, code)
			}
			return
		}
		again, ok := NormalizeRecoveryCode(strings.ToUpper(code))
		if !form.MatchString(code) || !ok || again != code {
			t.Errorf("%q becomes %q, which becomes %q", text, code, again)
		}
	})
}
