package query

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// rounder returns the first millisecond of the interval that contains a date.
type rounder func(millis int64) int64

// newRounder returns the rounder of a calendar interval, which varies in length, or of a fixed one; exactly one must
// be given. Calendar intervals start at the start of their unit in the zone, fixed ones are counted from 1970 in the
// zone.
func newRounder(calendar, fixed string, zone *time.Location) (rounder, error) {
	zone = cmp.Or(zone, time.UTC)

	switch {
	case (calendar == "") == (fixed == ""):
		return nil, illegal("exactly one of [calendar_interval] and [fixed_interval] is required")
	case fixed != "":
		return fixedRounder(fixed, zone)
	}

	unit, ok := calendarUnits[calendar]
	if !ok {
		return nil, illegal("The supplied interval [%s] could not be parsed as a calendar interval.", calendar)
	}

	return func(millis int64) int64 {
		at := time.UnixMilli(millis).In(zone)
		if unit == quarter {
			month := beginOf(at, 'M')
			return month.AddDate(0, -(int(month.Month())-1)%3, 0).UnixMilli()
		}
		return beginOf(at, unit).UnixMilli()
	}, nil
}

// quarter is a calendar unit that date math does not have.
const quarter byte = 'q'

// calendarUnits maps the names of calendar intervals to units.
var calendarUnits = map[string]byte{
	"second":  's',
	"1s":      's',
	"minute":  'm',
	"1m":      'm',
	"hour":    'h',
	"1h":      'h',
	"day":     'd',
	"1d":      'd',
	"week":    'w',
	"1w":      'w',
	"month":   'M',
	"1M":      'M',
	"quarter": quarter,
	"1q":      quarter,
	"year":    'y',
	"1y":      'y',
}

// fixedRounder returns the rounder of an interval of fixed length.
func fixedRounder(text string, zone *time.Location) (rounder, error) {
	length, ok := fixedLength(text)
	if !ok {
		return nil, illegal("failed to parse [fixed_interval] with value [%s] as a time value", text)
	}

	return func(millis int64) int64 {
		_, seconds := time.UnixMilli(millis).In(zone).Zone()
		offset := int64(seconds) * 1_000
		local := millis + offset
		begin := local - local%length
		if local%length < 0 {
			begin -= length
		}

		return begin - offset
	}, nil
}

// fixedLength reads a positive number of ms, s, m, h or d and returns milliseconds.
func fixedLength(text string) (int64, bool) {
	const second, minute, hour, day = 1_000, 60_000, 3_600_000, 86_400_000
	for _, unit := range []struct {
		suffix string
		length int64
	}{{"ms", 1}, {"s", second}, {"m", minute}, {"h", hour}, {"d", day}} {
		digits, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 31)
		return int64(n) * unit.length, err == nil && n > 0
	}

	return 0, false
}
