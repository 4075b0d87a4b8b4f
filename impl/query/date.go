package query

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// dateReader reads dates in requests. A nil format is the default format, a nil zone is UTC.
type dateReader struct {
	now    time.Time
	format *dateFormat
	zone   *time.Location
}

// with returns a reader with another format and zone; an empty argument keeps the current one.
func (d dateReader) with(format, zone string) (dateReader, error) {
	if format != "" {
		read, err := newDateFormat(format)
		if err != nil {
			return d, err
		}
		d.format = read
	}

	if zone != "" {
		read, err := readZone(zone)
		if err != nil {
			return d, err
		}
		d.zone = read
	}

	return d, nil
}

// readZone reads an offset such as +01:00 or -0830, Z, or the name of a time zone.
func readZone(text string) (*time.Location, error) {
	for _, layout := range []string{"Z07:00", "Z0700", "Z07"} {
		if at, err := time.Parse(layout, text); err == nil {
			_, offset := at.Zone()
			return time.FixedZone(text, offset), nil
		}
	}

	// LoadLocation opens files: pass only names of a plausible length, and not the server's own zone.
	const maxNameBytes = 64
	if len(text) <= maxNameBytes && text != "Local" {
		if zone, err := time.LoadLocation(text); err == nil {
			return zone, nil
		}
	}

	return nil, illegal("Unknown time-zone ID: [%s]", text)
}

// read returns a date in milliseconds since 1970. A date of lower precision, such as a day, is its first millisecond,
// or its last one if last is true.
func (d dateReader) read(given any, last bool) (int64, error) {
	if number, ok := given.(json.Number); ok && d.format == nil {
		return readMillis(number)
	}

	text, ok := scalarText(given)
	if !ok {
		return 0, malformed("a date must be a string or a number, but was %s", xcontent.Token(given))
	}

	at, err := d.readMath(text, last)
	if err != nil {
		return 0, err
	}

	return at.UnixMilli(), nil
}

// span returns the first and the last millisecond of a date of any precision.
func (d dateReader) span(given any) (first, last int64, err error) {
	if first, err = d.read(given, false); err != nil {
		return 0, 0, err
	}
	last, err = d.read(given, true)
	return first, last, err
}

// readMillis reads a number of milliseconds and drops its fraction.
func readMillis(number json.Number) (int64, error) {
	if n, err := number.Int64(); err == nil && -maxMillis <= n && n <= maxMillis {
		return n, nil
	}

	f, err := strconv.ParseFloat(number.String(), 64)
	if err != nil || f < -maxMillis || f > maxMillis {
		return 0, unreadable(number.String(), defaultDateFormat)
	}

	return int64(f), nil
}

// unreadable is the error for a text that does not match a date format.
func unreadable(text, format string) error {
	return malformed("failed to parse date field [%s] with format [%s]", text, format)
}

var isoFormat, _ = newDateFormat(defaultDateFormat)

// readMath reads a date, now followed by date math such as +1d and /M, or a date followed by || and date math.
func (d dateReader) readMath(text string, last bool) (time.Time, error) {
	d.zone = cmp.Or(d.zone, time.UTC)
	if steps, ok := strings.CutPrefix(text, "now"); ok {
		return d.applyMath(d.now.In(d.zone), steps, last)
	}

	date, steps, _ := strings.Cut(text, "||")
	format := cmp.Or(d.format, isoFormat)

	at, unit, ok := format.read(date, d.zone)
	if !ok {
		return at, unreadable(text, format.name)
	}
	if steps != "" {
		return d.applyMath(at.In(d.zone), steps, last)
	}
	if last && unit != 0 {
		at = endOf(at, unit)
	}

	return at, nil
}
