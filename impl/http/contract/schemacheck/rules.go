package schemacheck

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// kinds is a set of JSON types.
type kinds uint8

const (
	nullKind kinds = 1 << iota
	booleanKind
	numberKind
	textKind
	arrayKind
	objectKind

	notNull = booleanKind | numberKind | textKind | arrayKind | objectKind
)

// rules are a compiled schema: the JSON types of its values, and what holds for the values of each. A nil pointer
// stands for no rules.
type rules struct {
	kinds  kinds
	number *numberRules
	text   *textRules
	array  *arrayRules
	object *objectRules
}

// anything are the rules of values that no schema describes.
var anything = &rules{kinds: nullKind | notNull}

type arrayRules struct {
	items    *rules
	min, max int
}

// objectRules are the rules of an object. Each property has a bit, so that one comparison checks all that are required.
type objectRules struct {
	properties []property
	// index finds properties by name; nil if there are so few that comparing their names is faster.
	index    map[string]int
	required uint64
	// others are the rules of members that are no properties; nil if there must be none.
	others   *rules
	min, max int
}

type property struct {
	name  string
	rules *rules
	// forbidden properties are those that only the other direction has.
	forbidden bool
}

// maxProperties is the number of properties that have a bit.
const maxProperties = 64

// maxCompared is the number of properties up to which their names are compared one after the other.
const maxCompared = 8

// find returns the position of a property, or -1.
func (r *objectRules) find(name []byte) int {
	if r == nil {
		return -1
	}
	if r.index != nil {
		if i, known := r.index[string(name)]; known {
			return i
		}
		return -1
	}
	for i := range r.properties {
		if r.properties[i].name == string(name) {
			return i
		}
	}
	return -1
}

// textRules are the rules of a string.
type textRules struct {
	// enum are the allowed values; nil if all are.
	enum     [][]byte
	min, max int
	// pattern is a schema with only a pattern, so that kin-openapi compiles it and matches it; nil if there is none.
	pattern *openapi3.Schema
	format  openapi3.StringFormatValidator
	// dateTime is set if the format is date-time.
	dateTime bool
}

func (r *textRules) accepts(value []byte) bool {
	if r.enum != nil && !contains(r.enum, value) {
		return false
	}
	if (r.min > 0 || len(value) > r.max) && !between(utf8.RuneCount(value), r.min, r.max) {
		return false
	}
	if r.pattern != nil && !r.pattern.IsMatchingJSONString(string(value)) {
		return false
	}
	return r.format == nil || r.dateTime && isDateTime(value) || r.format.Validate(string(value)) == nil
}

// isDateTime reports whether a value is a date-time (RFC 3339, section 5.6) of the usual form: in UTC, on a day that
// every month has, and without a leap second. All others are for the validator of kin-openapi, which takes much
// longer.
func isDateTime(value []byte) bool {
	const layout = "0000-00-00T00:00:00"
	if len(value) <= len(layout) {
		return false
	}
	for i, c := range []byte(layout) {
		if c == '0' && !isDigit(value[i]) || c != '0' && value[i] != c {
			return false
		}
	}
	month, day := twoDigits(value[5:]), twoDigits(value[8:])
	return between(month, 1, 12) && between(day, 1, shortMonth) && isTime(value[11:19]) && isZone(value[len(layout):])
}

// shortMonth is the number of days that all months have.
const shortMonth = 28

// isTime reports whether the numbers of a time are in their ranges.
func isTime(value []byte) bool {
	return twoDigits(value) < 24 && twoDigits(value[3:]) < 60 && twoDigits(value[6:]) < 60
}

// isZone reports whether a value is an optional fraction of a second and the zone UTC.
func isZone(value []byte) bool {
	if value[0] == '.' {
		value = value[1:]
		digits := len(value) - len(bytes.TrimLeft(value, "0123456789"))
		value = value[digits:]
		if digits == 0 {
			return false
		}
	}
	return string(value) == "Z"
}

func twoDigits(value []byte) int { return 10*int(value[0]-'0') + int(value[1]-'0') }

func contains(values [][]byte, value []byte) bool {
	for _, each := range values {
		if bytes.Equal(each, value) {
			return true
		}
	}
	return false
}

func between(n, least, most int) bool { return least <= n && n <= most }

// numberRules are the rules of a number. As in kin-openapi, they apply to the nearest float64.
type numberRules struct {
	integer                    bool
	min, max                   float64
	exclusiveMin, exclusiveMax bool
	// multipleOf is 0 if there is no such rule.
	multipleOf    float64
	integerFormat openapi3.IntegerFormatValidator
	numberFormat  openapi3.NumberFormatValidator
}

// exactDigits is the number of decimal digits that a float64 always holds exactly.
const exactDigits = 15

func (r *numberRules) accepts(literal []byte, whole bool) bool {
	var value float64
	if whole && len(literal) <= exactDigits {
		value = smallInteger(literal)
	} else {
		var err error
		if value, err = strconv.ParseFloat(string(literal), 64); err != nil {
			return false
		}
	}

	switch {
	case r.integer && value != math.Trunc(value),
		value < r.min, value > r.max,
		r.exclusiveMin && value == r.min, r.exclusiveMax && value == r.max:
		return false
	case r.multipleOf != 0 && !isMultiple(value, r.multipleOf):
		return false
	case r.integerFormat != nil:
		// The largest float64 below 2^63 fits an int64.
		return value >= math.MinInt64 && value < math.MaxInt64 && r.integerFormat.Validate(int64(value)) == nil
	case r.numberFormat != nil:
		return r.numberFormat.Validate(value) == nil
	}
	return true
}

func smallInteger(literal []byte) float64 {
	digits, negative := bytes.CutPrefix(literal, []byte("-"))
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	if negative {
		n = -n
	}
	return float64(n)
}

// isMultiple reports whether an integer is the multiple of another. It returns false for all other numbers, which
// kin-openapi compares with a tolerance.
func isMultiple(value, of float64) bool {
	const exact = 1 << 53
	whole := func(f float64) bool { return f == math.Trunc(f) && math.Abs(f) < exact }
	return whole(value) && whole(of) && math.Mod(value, of) == 0
}
