package query

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func randomText(r *rand.Rand, letters string, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		runes := []rune(letters)
		b.WriteRune(runes[r.IntN(len(runes))])
	}
	return b.String()
}

// distanceOf computes the whole table of distances, as a reference.
func distanceOf(a, b []rune) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			switch {
			case i == 0 || j == 0:
				table[i][j] = i + j
			case a[i-1] == b[j-1]:
				table[i][j] = table[i-1][j-1]
			default:
				table[i][j] = 1 + min(table[i-1][j], table[i][j-1], table[i-1][j-1])
			}

			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				table[i][j] = min(table[i][j], table[i-2][j-2]+1)
			}
		}
	}

	return table[len(a)][len(b)]
}

func matchesFuzzy(word, text string, distance int) bool {
	matched, _ := newFuzzy(word, distance)(text)
	return matched
}

// Ensures that a text matches if and only if its distance in the whole table is small enough.
func TestFuzzy_Property(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 20_000 {
		a, b := randomText(r, "abé", 7), randomText(r, "abé", 7)
		distance := 1 + r.IntN(maxDistance)
		if want := distanceOf([]rune(a), []rune(b)) <= distance; matchesFuzzy(a, b, distance) != want {
			t.Fatalf("%q and %q within %d: want %v", a, b, distance, want)
		}
	}

	if matchesFuzzy(strings.Repeat("x", 300), strings.Repeat("x", 301), 2) {
		t.Error("a word that is too long has neighbours")
	}
}

// Ensures that each format reads what it prints, and that incomplete patterns are refused.
func TestDateFormat(t *testing.T) {
	at := time.Date(2024, 2, 29, 13, 14, 15, 678_000_000, time.UTC)
	for name, want := range map[string]string{
		"epoch_millis":                   "1709212455678",
		"epoch_second":                   "1709212455",
		"strict_date_optional_time":      "2024-02-29T13:14:15.678Z",
		"date":                           "2024-02-29",
		"strict_date":                    "2024-02-29",
		"date_time":                      "2024-02-29T13:14:15.678Z",
		"strict_date_time_no_millis":     "2024-02-29T13:14:15Z",
		"basic_date":                     "20240229",
		"basic_date_time":                "20240229T131415.678Z",
		"strict_year_month":              "2024-02",
		"year":                           "2024",
		"date_hour":                      "2024-02-29T13",
		"yyyy-MM-dd HH:mm:ss":            "2024-02-29 13:14:15",
		"dd.MM.uuuu":                     "29.02.2024",
		"yyyy-MM-dd'T'HH:mm'Z'":          "2024-02-29T13:14Z",
		"yyyy/MM/dd HH:mm Z":             "2024/02/29 13:14 +0000",
		"date_hour_minute_second_millis": "2024-02-29T13:14:15.678",
		"epoch_millis||date":             "1709212455678",
	} {
		format, err := newDateFormat(name)
		if err != nil {
			t.Error(name, err)
			continue
		}

		text := format.print(at.UnixMilli())
		first, last, err := dateReader{format: format}.span(text)
		if text != want || err != nil || first > at.UnixMilli() || last < at.UnixMilli() {
			t.Errorf("%s: %s, %d to %d, %v; want %s", name, text, first, last, err, want)
		}
	}

	for _, name := range []string{"", "x", "yyyy-MM-ddd", "MM", "dd/MM", "yyyy-mm", "yyyyXXXXXX", "strict_epoch_millis",
		"||", strings.Repeat("year||", 10) + "year"} {
		if _, err := newDateFormat(name); err == nil {
			t.Errorf("%q is a format", name)
		}
	}
}

// Ensures that texts that are almost dates are refused.
func TestDate_Refused(t *testing.T) {
	for _, text := range []string{"", "2024-", "2024-2", "2024-02-30", "2024-13", "2024-02-29T2", "2024-02-29T24",
		"2024-02-29T10:00:00.",
		"2024-02-29T10:00:00.1.1", "2024-02-29T10:00 ", "2024-02-29Z", "2024-02-29T10:00+1", "2024-02-29 10:00",
		"99999999999999999999", "-253402300800000", "12024-01-01", "||", "||/d", "2024||x", " now", "now ", "nowish"} {
		if at, err := (dateReader{}).read(text, false); err == nil {
			t.Errorf("%q is %d", text, at)
		}
	}
}

// Ensures that adding months keeps the day where possible, and that units end where the next ones begin.
func TestDateMath(t *testing.T) {
	d := dateReader{now: time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)}
	for text, want := range map[string][2]string{
		"now+1M":                    {"2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"},
		"now+13M":                   {"2025-02-28T12:00:00Z", "2025-02-28T12:00:00Z"},
		"now-2M":                    {"2023-11-30T12:00:00Z", "2023-11-30T12:00:00Z"},
		"now/w":                     {"2024-01-29T00:00:00Z", "2024-02-04T23:59:59.999Z"},
		"now/y":                     {"2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999Z"},
		"now/M+1d":                  {"2024-01-02T00:00:00Z", "2024-02-01T23:59:59.999Z"},
		"now/h-1m":                  {"2024-01-31T11:59:00Z", "2024-01-31T12:58:59.999Z"},
		"2024-02||":                 {"2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z"},
		"2024-02-03T04:05":          {"2024-02-03T04:05:00Z", "2024-02-03T04:05:59.999Z"},
		"2024-02-03T04:05:06||/s":   {"2024-02-03T04:05:06Z", "2024-02-03T04:05:06.999Z"},
		"2024-02-03T04:05:06.7||/m": {"2024-02-03T04:05:00Z", "2024-02-03T04:05:59.999Z"},
	} {
		first, last, err := d.span(text)
		got := [2]string{time.UnixMilli(first).UTC().Format(time.RFC3339Nano),
			time.UnixMilli(last).UTC().Format(time.RFC3339Nano)}
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

// Ensures that intervals start at calendar units, or at multiples of their length since 1970.
func TestRounder(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for interval, want := range map[[2]string]string{
		{"1y", ""}:      "2024-01-01T00:00:00+01:00",
		{"quarter", ""}: "2024-04-01T00:00:00+01:00",
		{"month", ""}:   "2024-06-01T00:00:00+01:00",
		{"1w", ""}:      "2024-06-10T00:00:00+01:00",
		{"day", ""}:     "2024-06-16T00:00:00+01:00",
		{"", "1d"}:      "2024-06-16T00:00:00+01:00",
		{"", "12h"}:     "2024-06-16T00:00:00+01:00",
		{"1m", ""}:      "2024-06-16T00:30:00+01:00",
		{"", "20m"}:     "2024-06-16T00:20:00+01:00",
		{"second", ""}:  "2024-06-16T00:30:45+01:00",
		{"", "15s"}:     "2024-06-16T00:30:45+01:00",
		{"", "500ms"}:   "2024-06-16T00:30:45.5+01:00",
	} {
		round, err := newRounder(interval[0], interval[1], zone)
		if err != nil {
			t.Fatal(interval, err)
		}

		at := time.Date(2024, 6, 15, 23, 30, 45, 700_000_000, time.UTC).UnixMilli()
		if got := time.UnixMilli(round(at)).In(zone).Format(time.RFC3339Nano); got != want {
			t.Errorf("%v: %s; want %s", interval, got, want)
		}
	}

	round, err := newRounder("", "1d", nil)
	if err != nil || round(-1) != -86_400_000 || round(-86_400_000) != -86_400_000 {
		t.Error(round(-1), round(-86_400_000), err)
	}
}
