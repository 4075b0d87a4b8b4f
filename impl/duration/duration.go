// Package duration reads Elasticsearch's time values, the grammar of API-key expirations.
package duration

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units in the order in which they are tried: a suffix before the shorter suffixes that end it.
var units = []struct {
	suffix string
	length time.Duration
	// exact units are told apart by case: M is not a minute.
	exact bool
}{
	{"nanos", time.Nanosecond, false},
	{"micros", time.Microsecond, false},
	{"ms", time.Millisecond, false},
	{"s", time.Second, false},
	{"m", time.Minute, true},
	{"h", time.Hour, false},
	{"d", 24 * time.Hour, false},
}

// Problem is what can be wrong with a time value.
type Problem int

// Everything that can be wrong.
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

// Error is a time value that cannot be read.
type Error struct {
	// Value has no blanks around it.
	Value   string
	Problem Problem
}

// Error implements error, for people.
func (e *Error) Error() string { return strconv.Quote(e.Value) + " " + problems[e.Problem] }

// Parse reads a whole number followed by nanos, micros, ms, s, m (lower case only), h or d; blanks around it do not
// count. Zero may go without a unit, and -1 (or -01, …) means minus one millisecond. Fractions, other negative numbers
// and anything beyond the range of time.Duration (about 292 years) are an *Error.
func Parse(text string) (time.Duration, error) {
	value := strings.TrimSpace(text)
	if strings.Trim(value, "0") == "" && value != "" {
		return 0, nil
	}
	if digits, ok := strings.CutPrefix(value, "-"); ok && strings.TrimLeft(digits, "0") == "1" {
		return -time.Millisecond, nil
	}
	number, unit, err := split(value)
	if err != nil {
		return 0, err
	}
	return multiply(value, number, unit)
}

func split(value string) (string, time.Duration, error) {
	for _, u := range units {
		at := len(value) - len(u.suffix)
		if at < 0 {
			continue
		}
		end := value[at:]
		if end == u.suffix || !u.exact && strings.EqualFold(end, u.suffix) {
			return value[:at], u.length, nil
		}
	}
	return "", 0, &Error{value, NoUnit}
}

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
