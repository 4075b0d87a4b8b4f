// Package duration parses Elasticsearch's time values, the format of API key expirations.
package duration

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units are tried in this order: a suffix comes before the shorter suffixes that it ends with.
var units = []struct {
	suffix string
	length time.Duration
	// caseSensitive is true for the minute: M is no unit.
	caseSensitive bool
}{
	{"nanos", time.Nanosecond, false},
	{"micros", time.Microsecond, false},
	{"ms", time.Millisecond, false},
	{"s", time.Second, false},
	{"m", time.Minute, true},
	{"h", time.Hour, false},
	{"d", 24 * time.Hour, false},
}

// Problem is a reason why a time value is invalid.
type Problem int

// The reasons why a time value is invalid.
const (
	NoUnit Problem = iota
	Fraction
	Negative
	NotANumber
	TooLong
)

var problems = map[Problem]string{
	NoUnit:     "has no unit; units are nanos, micros, ms, s, m, h and d",
	Fraction:   "is a fraction; only whole numbers are read",
	Negative:   "is negative",
	NotANumber: "is not a whole number followed by a unit",
	TooLong:    "is too long",
}

// Error reports an invalid time value.
type Error struct {
	// Value is the text without surrounding white space.
	Value   string
	Problem Problem
}

// Error implements error. The text is fit for a caller.
func (e *Error) Error() string { return strconv.Quote(e.Value) + " " + problems[e.Problem] }

// Parse parses a whole number followed by nanos, micros, ms, s, m (lower case only), h or d. Surrounding white space is
// ignored. Zero needs no unit, and -1 (or -01, …) is minus one millisecond, as in Elasticsearch. Parse returns an
// *Error for fractions, other negative numbers and values beyond the range of time.Duration (about 292 years).
func Parse(text string) (time.Duration, error) {
	value := strings.TrimSpace(text)
	if strings.Trim(value, "0") == "" && value != "" {
		return 0, nil
	}
	if digits, ok := strings.CutPrefix(value, "-"); ok && strings.TrimLeft(digits, "0") == "1" {
		return -time.Millisecond, nil
	}

	number, unit, err := splitUnit(value)
	if err != nil {
		return 0, err
	}
	return multiply(value, number, unit)
}

// splitUnit splits a value into its number and the length of its unit.
func splitUnit(value string) (number string, unit time.Duration, err error) {
	for _, u := range units {
		at := len(value) - len(u.suffix)
		if at < 0 {
			continue
		}

		end := value[at:]
		if end == u.suffix || !u.caseSensitive && strings.EqualFold(end, u.suffix) {
			return value[:at], u.length, nil
		}
	}
	return "", 0, &Error{value, NoUnit}
}

// multiply parses a number and returns it times the unit. The value is for the error.
func multiply(value, number string, unit time.Duration) (time.Duration, error) {
	if strings.HasPrefix(number, "-") {
		return 0, &Error{value, Negative}
	}
	if strings.Contains(number, ".") {
		return 0, &Error{value, Fraction}
	}

	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return 0, &Error{value, NotANumber}
	}
	if n > uint64(math.MaxInt64/int64(unit)) { //nolint:gosec // both are positive
		return 0, &Error{value, TooLong}
	}
	return time.Duration(n) * unit, nil
}
