package metadata

import (
	"strconv"
	"strings"
)

// Same reports whether two encodings by Text are of equal metadata: 1.10 equals 1.1. An integer does not equal a number
// with a fraction or an exponent, such as 1.0, because Elasticsearch compares the types, too.
func Same(a, b string) bool {
	quoted := false
	for a != "" && b != "" {
		if !quoted && startsNumber(a[0]) && startsNumber(b[0]) {
			var first, second string
			first, a = cutNumber(a)
			second, b = cutNumber(b)
			if !sameNumber(first, second) {
				return false
			}
			continue
		}

		if a[0] != b[0] {
			return false
		}
		size := 1
		switch a[0] {
		case '"':
			quoted = !quoted
		case '\\': // the next byte may be a quotation mark
			size = 2
		}
		if len(a) < size || len(b) < size || a[:size] != b[:size] {
			return false
		}
		a, b = a[size:], b[size:]
	}
	return a == b
}

func startsNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

func cutNumber(text string) (number, rest string) {
	rest = strings.TrimLeft(text, "+-.0123456789eE")
	return text[:len(text)-len(rest)], rest
}

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	first, ok := readDecimal(a)
	second, fits := readDecimal(b)
	return ok && fits && first == second
}

// decimal is the value of a number: digits without zeros at either end, times a power of ten.
type decimal struct {
	// integer is set if the number has neither a fraction nor an exponent.
	integer, negative bool
	digits            string
	exponent          int
}

// readDecimal returns false for an exponent out of range.
func readDecimal(number string) (decimal, bool) {
	d := decimal{integer: !strings.ContainsAny(number, ".eE")}
	number, d.negative = strings.CutPrefix(number, "-")
	if at := strings.IndexAny(number, "eE"); at >= 0 {
		exponent, err := strconv.ParseInt(number[at+1:], 10, 32)
		if err != nil {
			return d, false
		}
		number, d.exponent = number[:at], int(exponent)
	}

	whole, fraction, _ := strings.Cut(number, ".")
	d.exponent -= len(fraction)
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += len(digits) - len(d.digits)
	if d.digits == "" {
		d.negative, d.exponent = false, 0
	}
	return d, true
}
