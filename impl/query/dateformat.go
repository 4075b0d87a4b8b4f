package query

import (
	"strconv"
	"strings"
	"time"
)

// dateFormat is one or more forms of dates. It reads any of them and prints the first.
type dateFormat struct {
	name  string
	forms []dateForm
}

// dateForm reads and prints dates in one form.
type dateForm struct {
	// read returns the start of the period that a text names and the unit of its last part, 0 if it is exact. zone
	// applies to texts without a zone.
	read  func(text string, zone *time.Location) (at time.Time, unit byte, ok bool)
	print func(time.Time) string
}

const defaultDateFormat = "strict_date_optional_time||epoch_millis"

// newDateFormat parses a format: a named one, a pattern such as yyyy-MM-dd, or several of them separated by ||.
func newDateFormat(name string) (*dateFormat, error) {
	const maxForms = 10
	names := strings.Split(name, "||")
	if len(names) > maxForms {
		return nil, illegal("a date format has at most [%d] parts", maxForms)
	}

	format := &dateFormat{name: name}
	for _, one := range names {
		form, ok := newDateForm(one)
		if !ok {
			return nil, illegal("Invalid format: [%s]: the date format is not supported", one)
		}
		format.forms = append(format.forms, form)
	}

	return format, nil
}

// newDateForm returns the form of one name or pattern.
func newDateForm(name string) (dateForm, bool) {
	switch name {
	case "epoch_millis":
		return epoch(time.Millisecond, 0), true
	case "epoch_second":
		return epoch(time.Second, 's'), true
	case "strict_date_optional_time", "date_optional_time", "strict_date_optional_time_nanos", "iso8601":
		return dateForm{read: readISO,
			print: func(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }}, true
	}

	pattern, named := namedPatterns[strings.TrimPrefix(name, "strict_")]
	if !named {
		pattern = name
	}

	return newPatternForm(pattern)
}

// namedPatterns maps named formats to patterns. The strict_ variants are the same: all formats are strict here.
var namedPatterns = map[string]string{
	"date":                           "yyyy-MM-dd",
	"date_time":                      "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
	"date_time_no_millis":            "yyyy-MM-dd'T'HH:mm:ssXXX",
	"date_hour":                      "yyyy-MM-dd'T'HH",
	"date_hour_minute":               "yyyy-MM-dd'T'HH:mm",
	"date_hour_minute_second":        "yyyy-MM-dd'T'HH:mm:ss",
	"date_hour_minute_second_millis": "yyyy-MM-dd'T'HH:mm:ss.SSS",
	"basic_date":                     "yyyyMMdd",
	"basic_date_time":                "yyyyMMdd'T'HHmmss.SSSXX",
	"basic_date_time_no_millis":      "yyyyMMdd'T'HHmmssXX",
	"year":                           "yyyy",
	"year_month":                     "yyyy-MM",
	"year_month_day":                 "yyyy-MM-dd",
}

// maxMillis bounds dates to the years up to 9999, so that no computation with them overflows.
const maxMillis = 253_402_300_799_999

// epoch returns the form of dates as a number of units since 1970.
func epoch(unit time.Duration, name byte) dateForm {
	per := int64(unit / time.Millisecond)
	return dateForm{
		read: func(text string, _ *time.Location) (time.Time, byte, bool) {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n > maxMillis/per || n < -maxMillis/per {
				return time.Time{}, 0, false
			}
			return time.UnixMilli(n * per).UTC(), name, true
		},
		print: func(t time.Time) string { return strconv.FormatInt(t.UnixMilli()/per, 10) },
	}
}

// isoParts are the layouts of an ISO 8601 date at each precision.
var isoParts = []struct {
	layout string
	unit   byte
}{{"2006", 'y'}, {"2006-01", 'M'}, {"2006-01-02", 'd'}, {"2006-01-02T15", 'h'}, {"2006-01-02T15:04", 'm'},
	{"2006-01-02T15:04:05", 's'}}

// readISO reads an ISO 8601 date of any precision. Seconds may have a fraction, and a date with an hour may have a
// zone.
func readISO(text string, zone *time.Location) (time.Time, byte, bool) {
	text = strings.TrimSuffix(text, "T")
	for _, part := range isoParts {
		if len(text) == len(part.layout) {
			t, err := time.ParseInLocation(part.layout, text, zone)
			return t, part.unit, err == nil
		}

		if len(text) < len(part.layout) || !strings.ContainsRune(part.layout, 'T') {
			continue
		}
		if rest := text[len(part.layout):]; strings.ContainsAny(rest[:1], "Z+-.,") {
			return readISOTail(text, part.layout, part.unit, zone)
		}
	}

	return time.Time{}, 0, false
}

// readISOTail reads a date with a time of day, an optional fraction and an optional zone.
func readISOTail(text, layout string, unit byte, zone *time.Location) (time.Time, byte, bool) {
	if strings.ContainsAny(text[len(layout):], ".,") {
		unit = 0
	}

	for _, tail := range []string{"", "Z07:00", "Z0700", "Z07"} {
		// The time package accepts a fraction after the second without a layout for it.
		if t, err := time.ParseInLocation(layout+tail, text, zone); err == nil {
			return t, unit, true
		}
	}

	return time.Time{}, 0, false
}

// print formats milliseconds since 1970 in the first form, in UTC.
func (f *dateFormat) print(millis int64) string {
	return f.forms[0].print(time.UnixMilli(millis).UTC())
}

// read parses a text in the first form that accepts it. Dates after the year 9999 are refused.
func (f *dateFormat) read(text string, zone *time.Location) (time.Time, byte, bool) {
	for _, form := range f.forms {
		if at, unit, ok := form.read(text, zone); ok {
			millis := at.UnixMilli()
			return at, unit, -maxMillis <= millis && millis <= maxMillis
		}
	}

	return time.Time{}, 0, false
}
