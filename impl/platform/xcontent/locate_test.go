package xcontent_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Ensures that the position of a member or an element is where it begins, regardless of the text before it.
func TestLocate(t *testing.T) {
	const document = "\n {\"a\" : {\"x\": [1, {\"y\": 2}]},\n\t\"b\\u0041\": \"{\", \"c\": [ [3], {\"d\": null} " +
		"]\n,\"e\":1}"
	for _, c := range []struct {
		path         []string
		line, column int
	}{
		{nil, 2, 2},
		{[]string{"a"}, 2, 3},
		{[]string{"a", "x"}, 2, 10},
		{[]string{"a", "x", "0"}, 2, 16},
		{[]string{"a", "x", "1", "y"}, 2, 20},
		{[]string{"bA"}, 3, 2},
		{[]string{"c", "0"}, 3, 25},
		{[]string{"c", "0", "0"}, 3, 26},
		{[]string{"c", "1", "d"}, 3, 31},
		{[]string{"e"}, 4, 2},
		{[]string{"x"}, 1, 1},
		{[]string{"c", "2"}, 1, 1},
		{[]string{"c", "d"}, 1, 1},
		{[]string{"c", "-1"}, 1, 1},
		{[]string{"e", "f"}, 1, 1},
	} {
		t.Run(strings.Join(c.path, "."), func(t *testing.T) {
			if line, column := xcontent.Locate([]byte(document), c.path...); line != c.line || column != c.column {
				t.Errorf("got %d:%d; want %d:%d", line, column, c.line, c.column)
			}
		})
	}
}

// Ensures that invalid JSON causes no panic and no position beyond the document.
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
