package query

import (
	"strconv"
	"time"
)

// applyMath applies date math such as +1d/M. Rounding goes to the first millisecond of the unit, or to the last one
// if last is true.
func (d dateReader) applyMath(at time.Time, text string, last bool) (time.Time, error) {
	for rest := text; rest != ""; {
		operator := rest[0]
		digits := 1
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}

		if digits == len(rest) {
			return at, malformed("truncated date math [%s]", text)
		}

		n, err := readStepSize(rest[1:digits], text)
		if err != nil {
			return at, err
		}
		if at, err = applyStep(at, operator, n, rest[digits], text, last); err != nil {
			return at, err
		}

		rest = rest[digits+1:]
	}

	return at, nil
}

// readStepSize reads the number of a step, 1 if it has none.
func readStepSize(digits, text string) (int, error) {
	const maxDigits = 9
	if digits == "" {
		return 1, nil
	}

	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > maxDigits {
		return 0, malformed("a number is too large in date math [%s]", text)
	}

	return n, nil
}

// applyStep applies one step of date math: an operator, a number and a unit.
func applyStep(at time.Time, operator byte, n int, unit byte, text string, last bool) (time.Time, error) {
	if unit == 'H' {
		unit = 'h'
	}

	switch {
	case operator != '+' && operator != '-' && operator != '/':
		return at, malformed("operator not supported for date math [%s]", text)
	case !knownUnit(unit):
		return at, malformed("unit [%s] not supported for date math [%s]", string(rune(unit)), text)
	case operator == '/' && n != 1:
		return at, malformed("rounding `/` can only be used on single unit types [%s]", text)
	case operator == '/' && last:
		at = endOf(at, unit)
	case operator == '/':
		at = beginOf(at, unit)
	case operator == '-':
		at = plus(at, -n, unit)
	default:
		at = plus(at, n, unit)
	}

	if millis := at.UnixMilli(); millis < -maxMillis || millis > maxMillis {
		return at, malformed("date math [%s] leads out of the supported range of dates", text)
	}

	return at, nil
}

func knownUnit(unit byte) bool {
	switch unit {
	case 'y', 'M', 'w', 'd', 'h', 'm', 's':
		return true
	}
	return false
}

// plus adds n units to a date. Adding months keeps the day, or takes the last day of a shorter month.
func plus(at time.Time, n int, unit byte) time.Time {
	const minute, hour = 60, 60 * 60
	switch unit {
	case 'y':
		return plusMonths(at, 12*n)
	case 'M':
		return plusMonths(at, n)
	case 'w':
		return at.AddDate(0, 0, 7*n)
	case 'd':
		return at.AddDate(0, 0, n)
	case 'h':
		return plusSeconds(at, int64(n)*hour)
	case 'm':
		return plusSeconds(at, int64(n)*minute)
	}

	return plusSeconds(at, int64(n))
}

// plusSeconds adds seconds without time.Duration, which overflows after 292 years.
func plusSeconds(at time.Time, n int64) time.Time {
	return time.Unix(at.Unix()+n, int64(at.Nanosecond())).In(at.Location())
}

// plusMonths adds months and limits the day to the length of the month.
func plusMonths(at time.Time, n int) time.Time {
	year, month, day := at.Date()
	last := time.Date(year, month+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	hour, minute, second := at.Clock()
	return time.Date(year, month+time.Month(n), min(day, last), hour, minute, second, at.Nanosecond(), at.Location())
}

// beginOf returns the first moment of the unit that contains a date. Weeks begin on Mondays.
func beginOf(at time.Time, unit byte) time.Time {
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	switch unit {
	case 'y':
		month, day, hour, minute, second = time.January, 1, 0, 0, 0
	case 'M':
		day, hour, minute, second = 1, 0, 0, 0
	case 'w':
		day, hour, minute, second = day-(int(at.Weekday())+6)%7, 0, 0, 0
	case 'd':
		hour, minute, second = 0, 0, 0
	case 'h':
		minute, second = 0, 0
	case 'm':
		second = 0
	}

	return time.Date(year, month, day, hour, minute, second, 0, at.Location())
}

// endOf returns the last millisecond of the unit that contains a date.
func endOf(at time.Time, unit byte) time.Time {
	return plus(beginOf(at, unit), 1, unit).Add(-time.Millisecond)
}
