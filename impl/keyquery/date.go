package keyquery

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// dateReader reads the dates in requests. The zero format is the default one.
type dateReader struct {
	now    time.Time
	format *dateFormat
	zone   *time.Location
}

// with returns a reader with another format and zone; the empty texts keep what there is.
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
	const longest = 64
	if len(text) <= longest && text != "Local" {
		if zone, err := time.LoadLocation(text); err == nil {
			return zone, nil
		}
	}
	return nil, illegal("Unknown time-zone ID: [%s]", text)
}

// read returns the milliseconds that a value stands for: the first of the time that it names, or the last.
func (d dateReader) read(given any, last bool) (int64, error) {
	if number, ok := given.(json.Number); ok && d.format == nil {
		return readMillis(number)
	}
	text, ok := leafText(given)
	if !ok {
		return 0, malformed("a date is a text or a number, but was %s", xcontent.Token(given))
	}
	at, err := d.math(text, last)
	if err != nil {
		return 0, err
	}
	return at.UnixMilli(), nil
}

// span returns the first and the last millisecond of the time that a value names.
func (d dateReader) span(given any) (first, last int64, err error) {
	if first, err = d.read(given, false); err != nil {
		return 0, 0, err
	}
	last, err = d.read(given, true)
	return first, last, err
}

// readMillis reads a number of milliseconds; a fraction is dropped.
func readMillis(number json.Number) (int64, error) {
	if n, err := number.Int64(); err == nil && -latest <= n && n <= latest {
		return n, nil
	}
	f, err := strconv.ParseFloat(number.String(), 64)
	if err != nil || f < -latest || f > latest {
		return 0, unreadable(number.String(), defaultDateFormat)
	}
	return int64(f), nil
}

func unreadable(text, format string) error {
	return malformed("failed to parse date field [%s] with format [%s]", text, format)
}

var isoFormat, _ = newDateFormat(defaultDateFormat)

// math reads now or a date with || after it, then steps such as +1d and /M; or just a date.
func (d dateReader) math(text string, last bool) (time.Time, error) {
	if d.zone == nil {
		d.zone = time.UTC
	}
	if steps, ok := strings.CutPrefix(text, "now"); ok {
		return d.steps(d.now.In(d.zone), steps, last)
	}
	date, steps, _ := strings.Cut(text, "||")
	format := d.format
	if format == nil {
		format = isoFormat
	}
	at, unit, ok := format.read(date, d.zone)
	if !ok {
		return at, unreadable(text, format.name)
	}
	if steps != "" {
		return d.steps(at.In(d.zone), steps, last)
	}
	if last && unit != 0 {
		at = endOf(at, unit)
	}
	return at, nil
}
