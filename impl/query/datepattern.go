package query

import (
	"strings"
	"time"
)

// symbols maps the parts of date patterns to layouts of the time package. Longer symbols come before their prefixes.
var symbols = []struct {
	symbol, layout string
	unit           byte
}{
	{"yyyy", "2006", 'y'}, {"uuuu", "2006", 'y'}, {"MM", "01", 'M'}, {"dd", "02", 'd'},
	{"HH", "15", 'h'}, {"mm", "04", 'm'}, {"ss", "05", 's'}, {".SSS", ".000", 0},
	{"XXX", "Z07:00", zoneUnit}, {"XX", "Z0700", zoneUnit}, {"Z", "-0700", zoneUnit},
	{"'T'", "T", literal}, {"'Z'", "Z", literal}, {"-", "-", literal}, {"/", "/", literal},
	{":", ":", literal}, {" ", " ", literal}, {".", ".", literal},
}

// Parts of patterns that are not units of time.
const (
	zoneUnit byte = 'z'
	literal  byte = 'l'
)

// units are the units from largest to smallest; 0 is the millisecond.
const units = "yMdhms\x00"

// newPatternForm compiles a pattern of the symbols above. It needs at least a year, and each unit at most once.
func newPatternForm(pattern string) (dateForm, bool) {
	var layout strings.Builder
	seen := map[byte]bool{}
	for rest := pattern; rest != ""; {
		before := len(rest)
		for _, s := range symbols {
			if !strings.HasPrefix(rest, s.symbol) {
				continue
			}
			if seen[s.unit] && s.unit != literal {
				return dateForm{}, false
			}

			seen[s.unit] = true
			layout.WriteString(s.layout)
			rest = rest[len(s.symbol):]
			break
		}

		if len(rest) == before {
			return dateForm{}, false
		}
	}

	last, ok := lastUnit(seen)
	return layoutForm(layout.String(), last), ok
}

// lastUnit returns the smallest unit of a pattern, provided that all larger units are present.
func lastUnit(seen map[byte]bool) (byte, bool) {
	n := 0
	for n < len(units) && seen[units[n]] {
		n++
	}

	for _, smaller := range []byte(units[n:]) {
		if seen[smaller] {
			return 0, false
		}
	}

	if n == 0 {
		return 0, false
	}

	return units[n-1], true
}

// layoutForm returns the form of a layout of the time package. last is the layout's smallest unit.
func layoutForm(layout string, last byte) dateForm {
	return dateForm{
		read: func(text string, zone *time.Location) (time.Time, byte, bool) {
			if len(text) > len(layout)+len("+00:00") {
				return time.Time{}, 0, false
			}
			at, err := time.ParseInLocation(layout, text, zone)
			return at, last, err == nil
		},
		print: func(t time.Time) string { return t.Format(layout) },
	}
}
