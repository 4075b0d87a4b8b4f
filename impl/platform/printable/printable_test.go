package printable_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/impl/platform/printable"
)

// hostile has control characters of both sets, a mark that reverses text, and one outside of the basic plane.
const hostile = "a\x1b[2J\u009b2J\u202e\u007f\U000e0041z"

// Ensures that text for a terminal has no character that controls it, and that other text is left.
func TestText(t *testing.T) {
	for name, c := range map[string]struct{ text, want, lines string }{
		"plain":                  {`a "b" \ é 漢 🔑`, `a "b" \ é 漢 🔑`, `a "b" \ é 漢 🔑`},
		"empty":                  {"", "", ""},
		"escape sequence":        {"\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`},
		"control of the 2nd set": {"\u009b2J", `\u009b2J`, `\u009b2J`},
		"byte that is not UTF-8": {"a\x9b2J", `a\x9b2J`, `a\x9b2J`},
		"replacement character":  {"\ufffd", "\ufffd", "\ufffd"},
		"direction":              {"a\u202eb\u2066c", `a\u202eb\u2066c`, `a\u202eb\u2066c`},
		"line breaks":            {"a\nb\r\u2028c\td", `a\nb\r\u2028c\td`, "a\nb" + `\r\u2028c\td`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := printable.Text(c.text); got != c.want {
				t.Errorf("Text returns %q; want %q", got, c.want)
			}
			if got := printable.Lines(c.text); got != c.lines {
				t.Errorf("Lines returns %q; want %q", got, c.lines)
			}
		})
	}
}

// Ensures that an escaped document has the same value, and no character that controls a terminal.
func TestJSON_Value(t *testing.T) {
	want := map[string]any{"name": hostile, hostile: []any{"é"}}
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var quoted yaml.Node
	if err := yaml.Unmarshal([]byte(printable.YAML(string(text))), &quoted); err != nil {
		t.Fatal(err)
	}
	block, err := yaml.Marshal(&quoted)
	if err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		escaped string
		read    func([]byte, any) error
	}{
		"JSON": {printable.JSON(string(text)), json.Unmarshal},
		"YAML": {printable.YAML(string(block)), yaml.Unmarshal},
	} {
		t.Run(name, func(t *testing.T) {
			if printable.Lines(c.escaped) != c.escaped {
				t.Errorf("the document is %q", c.escaped)
			}
			var got map[string]any
			if err := c.read([]byte(c.escaped), &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("the value is %q, %v; want %q", got, err, want)
			}
		})
	}
}
