package duration

import (
	"strings"
	"testing"
	"time"
)

// Ensures that values are parsed as by Elasticsearch: its units, its case rule, its two special values.
func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1d": 24 * time.Hour, "3h": 3 * time.Hour, "30m": 30 * time.Minute, "15s": 15 * time.Second,
		"7ms":     7 * time.Millisecond,
		"5micros": 5 * time.Microsecond, "9nanos": 9, "1D": 24 * time.Hour, "2H": 2 * time.Hour, "3S": 3 * time.Second,
		"4MS": 4 * time.Millisecond, " 1d\t": 24 * time.Hour, "0": 0, "000": 0, "0s": 0, "-1": -time.Millisecond,
		"-001": -time.Millisecond, "007s": 7 * time.Second, "106751d": 106751 * 24 * time.Hour,
	} {
		t.Run(text, func(t *testing.T) {
			got, err := Parse(text)
			if err != nil || got != want {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

// Ensures that invalid values are refused with the reason.
func TestParse_Invalid(t *testing.T) {
	for text, why := range map[string]string{
		"": "no unit", "  ": "no unit", "1": "no unit", "1w": "no unit", "1M": "no unit", "1y": "no unit", "-": "no unit",
		"1.5d": "fraction", "-2d": "negative", "-1d": "negative", "-0s": "negative", "d": "not a whole number",
		"1 d": "not a whole number",
		"+1d": "not a whole number", "0x1d": "not a whole number", "1_0d": "not a whole number", "٣d": "not a whole number",
		"106752d": "too long", "9223372036854775808nanos": "not a whole number",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse(text)
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("got %v; want an error with %q", err, why)
			}
		})
	}
}

// Ensures that no text makes the parser panic, and that no result is below minus one millisecond.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1d", "0", "-1", "1.5h", "9223372036854775807nanos", " 7 ms", "M", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err == nil && d < -time.Millisecond {
			t.Errorf("Parse(%q) = %v", text, d)
		}
		if err != nil && d != 0 {
			t.Errorf("Parse(%q) = %v with the error %v", text, d, err)
		}
	})
}
