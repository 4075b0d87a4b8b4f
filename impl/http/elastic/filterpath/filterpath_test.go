package filterpath_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

func apply(t *testing.T, list, document string) string {
	t.Helper()
	f, err := filterpath.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Apply(t.Context(), []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// Ensures that exactly the named members are kept, in their order and spelling.
func TestApply(t *testing.T) {
	const document = `{"z": 1.10, "a": {"b": 12345678901234567890, "c": [], "bc": "<\u0041>"}, "list": [{"id": "1", "x": {"y": true}}, {"x": null}, [{"id": 2}]],
		"d.t": {"e": 1}, "empty": {}}`
	compact := new(bytes.Buffer)
	if err := json.Compact(compact, []byte(document)); err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{
		"":                      compact.String(),
		" , ":                   compact.String(),
		"**":                    compact.String(),
		"*":                     compact.String(),
		"**.**":                 compact.String(),
		"nothing":               `{}`,
		"z":                     `{"z":1.10}`,
		"a,z":                   `{"z":1.10,"a":{"b":12345678901234567890,"c":[],"bc":"<\u0041>"}}`,
		"a.b":                   `{"a":{"b":12345678901234567890}}`,
		"a.b*":                  `{"a":{"b":12345678901234567890,"bc":"<\u0041>"}}`,
		"a.*c":                  `{"a":{"c":[],"bc":"<\u0041>"}}`,
		"a.b*c":                 `{"a":{"bc":"<\u0041>"}}`,
		"a.b.more":              `{}`,
		"*.b":                   `{"a":{"b":12345678901234567890}}`,
		"list.id":               `{"list":[{"id":"1"},[{"id":2}]]}`,
		"list.x":                `{"list":[{"x":{"y":true}},{"x":null}]}`,
		"**.y":                  `{"list":[{"x":{"y":true}}]}`,
		"list.**.y":             `{"list":[{"x":{"y":true}}]}`,
		"a.**":                  `{"a":{"b":12345678901234567890,"c":[],"bc":"<\u0041>"}}`,
		`d\.t.e`:                `{"d.t":{"e":1}}`,
		"d.t":                   `{}`,
		"empty":                 `{"empty":{}}`,
		"empty.x":               `{}`,
		"-a,-list,-d*":          `{"z":1.10,"empty":{}}`,
		"a,-a.b*":               `{"a":{"c":[]}}`,
		"-a.b,-a.c,-a.bc,-list": `{"z":1.10,"d.t":{"e":1},"empty":{}}`,
		"-**.id,list":           `{"list":[{"x":{"y":true}},{"x":null}]}`,
		"-*":                    `{}`,
		"-**":                   `{}`,
		"-":                     compact.String(),
	} {
		t.Run(list, func(t *testing.T) {
			if got := apply(t, list, document); got != want {
				t.Errorf("got\n%s; want\n%s", got, want)
			}
		})
	}
}

// Ensures that documents that are not objects are filtered by the same rules.
func TestApply_OtherRoots(t *testing.T) {
	for _, c := range [][3]string{
		{"a", `[{"a":1},{"b":2}]`, `[{"a":1}]`}, {"a", `1`, `{}`}, {"", ` 1 `, `1`}, {"-a", `[]`, `[]`}, {"a", `[]`, `{}`},
		{"**", `null`, `null`},
	} {
		if got := apply(t, c[0], c[1]); got != c[2] {
			t.Errorf("%q of %s keeps %s; want %s", c[0], c[1], got, c[2])
		}
	}
}

// Ensures that long lists and invalid JSON are refused.
func TestParseAndApply_InvalidInput(t *testing.T) {
	if _, err := filterpath.Parse(strings.Repeat("a,", 3000)); !errors.Is(err, filterpath.ErrTooLong) {
		t.Error(err)
	}
	f, _ := filterpath.Parse("a")
	for _, document := range []string{"", "{", "{}{}", strings.Repeat("[", 20000) + strings.Repeat("]", 20000)} {
		if _, err := f.Apply(t.Context(), []byte(document)); !errors.Is(err, filterpath.ErrNotJSON) {
			t.Errorf("%.20q: %v", document, err)
		}
	}
}

// Ensures that a list which can match in many ways costs at most its length per member.
func TestApply_AmbiguousPaths(t *testing.T) {
	depth := 2000
	document := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	list := strings.TrimSuffix(strings.Repeat("**.a*a*.", 200), ".")
	if got := apply(t, list+",**.a.b", document); got != "{}" {
		t.Errorf("%.40q is kept", got)
	}
}

// deep returns nested objects, deeper than callers may send now but as stored metadata may be.
func deep(levels int) []byte {
	return []byte(strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels))
}

// measure returns the cost of filtering a document, in units of work and in bytes allocated.
func measure(t *testing.T, list string, document []byte) (units int64, bytes uint64, err error) {
	t.Helper()
	f, err := filterpath.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	ctx, meter := work.Metered(t.Context())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = f.Apply(ctx, document)
	runtime.ReadMemStats(&after)
	return meter.Used(), after.TotalAlloc - before.TotalAlloc, err
}

// Ensures that equal paths are followed once, and that the cost is proportional to the number of paths and to the
// document's size, up to a limit.
func TestApply_Work(t *testing.T) {
	t.Run("the same path", func(t *testing.T) {
		units, bytes, err := measure(t, strings.TrimSuffix(strings.Repeat("**.a.b,", 580), ","), deep(5_000))
		if err != nil || units > 10*5_000 || bytes > 8<<20 {
			t.Errorf("%d units and %d bytes, %v", units, bytes, err)
		}
	})
	t.Run("doubled", func(t *testing.T) {
		list := "**.a*.b,**.a*a,a.a.a.**.c*"
		once, onceBytes, _ := measure(t, list, deep(4_000))
		twice, twiceBytes, _ := measure(t, list, deep(8_000))
		if float64(twice) > 2.3*float64(once) || float64(twiceBytes) > 2.3*float64(onceBytes) {
			t.Errorf("%d units and %d bytes, then %d and %d", once, onceBytes, twice, twiceBytes)
		}
	})
	t.Run("too much", func(t *testing.T) {
		var list strings.Builder
		for i := range 400 {
			fmt.Fprintf(&list, "**.*a%d,", i)
		}
		units, bytes, err := measure(t, list.String(), deep(9_000))
		if !errors.Is(err, filterpath.ErrTooMuchWork) || units > 11_000_000 || bytes > 64<<20 {
			t.Errorf("%d units and %d bytes, %v", units, bytes, err)
		}
	})
	t.Run("caller disconnects", func(t *testing.T) {
		f, _ := filterpath.Parse("**.b")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Apply(ctx, deep(9_000)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Ensures that the result is a JSON document, that filtering it again does not change it, and that it is not longer
// than the original.
func FuzzApply(f *testing.F) {
	for _, seed := range [][2]string{
		{"a.b", `{"a":{"b":1}}`}, {"**.x,-y", `[{"x":[1,{"y":"\ud83d\ude00"}]}]`}, {`a\.b,*c*`, `{"a.b":1e400,"xcx":{}}`},
		{"-a", `{"a":1}`}, {"**.**", `"x"`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, list, document string) {
		filter, err := filterpath.Parse(list)
		if err != nil {
			return
		}
		once, err := filter.Apply(t.Context(), []byte(document))
		if err != nil {
			return
		}
		twice, err := filter.Apply(t.Context(), once)
		if err != nil || !bytes.Equal(once, twice) && string(twice) != "{}" {
			t.Errorf("%q of %q gives %q, then %q, %v", list, document, once, twice, err)
		}
		if len(once) > len(document)+len("{}") {
			t.Errorf("%q of %q is longer: %q", list, document, once)
		}
	})
}
