package pretty_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/http/elastic/filterpath/pretty"
)

// Ensures that documents within the limits are indented as by encoding/json.
func TestIndent(t *testing.T) {
	for _, document := range []string{
		`{}`, `[]`, ` [ ] `, `null`, `"a\"b\\"`, ` -1.5e3 `, `{"a":{"b":[1,2,{"c":[]}],"d":{ }},"e":"{[,:"}`, "[\n1 ,\t2]",
		`[[[[1],[]],[{}]],{"a" : true}]`,
		strings.Repeat("[", 20) + "1,2" + strings.Repeat("]", 20),
	} {
		var want bytes.Buffer
		if err := json.Indent(&want, bytes.TrimSpace([]byte(document)), "", "  "); err != nil {
			t.Fatal(err)
		}
		want.WriteByte('\n')
		got, ok := pretty.Indent([]byte(document))
		if !ok || string(got) != want.String() || pretty.Size([]byte(document)) != len(got) {
			t.Errorf("%s: %t, %d bytes,\n%s", document, ok, pretty.Size([]byte(document)), got)
		}
	}
	for _, document := range []string{"", "{", "[}", "1 2", "text"} {
		if got, ok := pretty.Indent([]byte(document)); ok {
			t.Errorf("%q: %q", document, got)
		}
	}
}

// Ensures that the size of the result is limited, and that the document stays the same.
func TestIndent_Bounded(t *testing.T) {
	for name, document := range map[string]string{
		"deep":        strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		"deep object": strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000),
		"deep pairs":  strings.Repeat("[0,", 9_000) + "1" + strings.Repeat("]", 9_000),
		"wide":        strings.Repeat("[", 20) + strings.Repeat("0,", 200_000) + "0" + strings.Repeat("]", 20),
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := pretty.Indent([]byte(document))
			if most := 64<<10 + 6*len(document); !ok || len(got) > most || len(got) != pretty.Size([]byte(document)) ||
				cap(got) != len(got) {
				t.Errorf("%t, %d bytes of %d; want at most %d, as announced: %d", ok, len(got), len(document), most,
					pretty.Size([]byte(document)))
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, got); err != nil || compact.String() != document {
				t.Errorf("the document changed: %v", err)
			}
		})
	}
	got, _ := pretty.Indent([]byte(strings.Repeat("[", 22) + "1,2" + strings.Repeat("]", 22)))
	if want := "\n" + strings.Repeat(" ", 40) + "[[1,2]]\n"; !strings.Contains(string(got), want) {
		t.Errorf("below twenty levels there is\n%s", got)
	}
}
