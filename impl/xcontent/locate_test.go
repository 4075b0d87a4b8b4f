package xcontent_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// Ensures that members and elements are found where they begin, whatever stands before them.
func TestLocate(t *testing.T) {
	const document = "\n {\"a\" : {\"x\": [1, {\"y\": 2}]},\n\t\"b\\u0041\": \"{\", \"c\": [ [3], {\"d\": null} ]\n,\"e\":1}"
	for _, c := range []struct {
		path         []string
		line, column int
	}{
		{nil, 2, 2}, {[]string{"a"}, 2, 3}, {[]string{"a", "x"}, 2, 10}, {[]string{"a", "x", "0"}, 2, 16}, {[]string{"a", "x", "1", "y"}, 2, 20},
		{[]string{"bA"}, 3, 2}, {[]string{"c", "0"}, 3, 25}, {[]string{"c", "0", "0"}, 3, 26}, {[]string{"c", "1", "d"}, 3, 31}, {[]string{"e"}, 4, 2},
		{[]string{"x"}, 1, 1}, {[]string{"c", "2"}, 1, 1}, {[]string{"c", "d"}, 1, 1}, {[]string{"c", "-1"}, 1, 1}, {[]string{"e", "f"}, 1, 1},
	} {
		if line, column := xcontent.Locate([]byte(document), c.path...); line != c.line || column != c.column {
			t.Errorf("%v is at %d:%d, want %d:%d", c.path, line, column, c.line, c.column)
		}
	}
}

// Ensures that what is no JSON is looked at without harm.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{"", "{", `{"a"`, `{"a":`, `{"a":[`, `{"b":{]}`, `[1,`, "\xff", `{"a":[1,{"b":2}]}`} {
		f.Add(seed, "a", "1")
	}
	f.Fuzz(func(t *testing.T, document, first, second string) {
		line, column := xcontent.Locate([]byte(document), first, second)
		if line < 1 || column < 1 || line > len(document)+1 || column > len(document)+1 {
			t.Errorf("%q: %d:%d", document, line, column)
		}
	})
}
