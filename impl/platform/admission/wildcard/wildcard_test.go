package wildcard_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/quick"

	"github.com/sallyport/sallyport/impl/platform/admission/wildcard"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "anything", true}, {"?", "", false}, {"?", "é", true},
		{"?", "éé", false},
		{"a*", "abc", true}, {"a*", "ba", false}, {"*c", "abc", true}, {"a*c", "ac", true}, {"a*a", "a", false},
		{"a*b*c", "aXbYc", true},
		{"a*bc*c", "abc", false}, {"*?b*", "ab", true}, {"*?b*", "b", false}, {"*a?c*", "xxabcxx", true},
		{"*a?c*", "xxabdxx", false},
		{"**", "x", true}, {`\*`, "*", true}, {`\*`, "x", false}, {`a\`, `a\`, true}, {`\\`, `\`, true},
		{`*\?*`, "a?b", true}, {`*\?*`, "ab", false},
		{"*é?à*", "xéyàz", true}, {"??*", "日本", true}, {"*??", "日", false},
		{"*?" + strings.Repeat("a", 130) + "b*", strings.Repeat("a", 200) + "b", true},
		{"*?" + strings.Repeat("a", 130) + "b*", "c" + strings.Repeat("a", 129) + "b", false},
	} {
		if got, _ := wildcard.Parse(c.pattern).Match(c.text); got != c.want {
			t.Errorf("%q of %q: %t", c.pattern, c.text, got)
		}
	}
}

func TestParseStars(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"a?", "a?", true}, {"a?", "ab", false}, {`\*`, `\x`, true}, {"*@example.org", "al@example.org", true},
		{"a*a", "a", false},
		{"*.*", "a.b", true}, {"*.*", "ab", false}, {"abc", "abc", true}, {"abc", "abcd", false},
	} {
		if got, _ := wildcard.ParseStars(c.pattern).Match(c.text); got != c.want {
			t.Errorf("%q of %q: %t", c.pattern, c.text, got)
		}
	}
}

// letters draws texts of few different characters, so that patterns match about as often as not.
func letters(seed uint64, alphabet string, length int) string {
	runes := []rune(alphabet)
	var b strings.Builder
	for range length {
		seed = seed*6364136223846793005 + 1442695040888963407
		b.WriteRune(runes[seed>>33%uint64(len(runes))])
	}
	return b.String()
}

// Ensures that patterns mean what the same regular expressions mean.
func TestMatch_Regexp(t *testing.T) {
	same := func(seed uint64, patternLength, textLength uint8) bool {
		pattern := letters(seed, "ab*?é", int(patternLength%12))
		text := letters(seed+1, "abé", int(textLength%40))
		source := strings.NewReplacer(`\*`, `(?s:.*)`, `\?`, `(?s:.)`).Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile(`\A` + source + `\z`).MatchString(text)
		got, _ := wildcard.Parse(pattern).Match(text)
		return got == want
	}
	if err := quick.Check(same, &quick.Config{MaxCount: 5000}); err != nil {
		t.Error(err)
	}
}

// Ensures that the work grows with the text, and that of a marked piece by a sixty-fourth of its length at most.
func TestMatch_Work(t *testing.T) {
	text := strings.Repeat("a", 65_000)
	for name, c := range map[string]struct {
		pattern string
		most    int
	}{
		"literal":     {"*" + strings.Repeat("a", 900) + "b*", 66_000},
		"many pieces": {strings.Repeat("*a", 400) + "b*", 66_000},
		"marked":      {"*?" + strings.Repeat("a", 62) + "b*", 66_000},
		"long marked": {"*?" + strings.Repeat("a", 900) + "b*", 15 * 66_000},
		"no start":    {"b*", 10},
		"no end":      {"*b", 10},
	} {
		t.Run(name, func(t *testing.T) {
			matched, examined := wildcard.Parse(c.pattern).Match(text)
			if matched || examined > c.most {
				t.Errorf("matched %t, %d units; want at most %d", matched, examined, c.most)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	text := strings.Repeat("a", 65_000)
	for name, pattern := range map[string]string{
		"literal": "*" + strings.Repeat("a", 900) + "b*", "marked": "*?" + strings.Repeat("a", 900) + "b*",
	} {
		b.Run(name, func(b *testing.B) {
			p := wildcard.Parse(pattern)
			units := 0
			for b.Loop() {
				_, examined := p.Match(text)
				units += examined
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(units), "ns/unit")
		})
	}
}
