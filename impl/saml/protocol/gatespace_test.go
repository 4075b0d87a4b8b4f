package protocol

import "testing"

// Ensures that white space in attribute values is normalized as in XML 1.0 section 3.3.3, and nothing else is changed.
func TestNormalizeAttributes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no white space", `<a b="c"/>`, `<a b="c"/>`},
		{"tab", "<a b=\"c\td\"/>", `<a b="c d"/>`},
		{"line feed", "<a b='c\nd'/>", `<a b='c d'/>`},
		{"carriage return", "<a b='c\rd'/>", `<a b='c d'/>`},
		{"carriage return and line feed", "<a b='c\r\nd'/>", `<a b='c d'/>`},
		{"carriage return at the end", "<a b='c\r'/>", `<a b='c '/>`},
		{"line feed and carriage return", "<a b='c\n\rd'/>", `<a b='c  d'/>`},
		{"references", "<a b='c&#10;&#xd;&#9;d'\n/>", "<a b='c&#10;&#xd;&#9;d'\n/>"},
		{"between attributes", "<a\tb='c'\r\nd='e'\n/>", "<a\tb='c'\r\nd='e'\n/>"},
		{"text", "<a>b\tc\r\nd\n</a>", "<a>b\tc\r\nd\n</a>"},
		{"quotes in text", "<a>'b\tc'\"\n</a>", "<a>'b\tc'\"\n</a>"},
		{"other quote in a value", "<a b='\"\t' c=\"'\n\">\t'\n'</a>", "<a b='\" ' c=\"' \">\t'\n'</a>"},
		{"end of a tag in a value", "<a b='>\t' c='\n'>\n</a>", "<a b='> ' c=' '>\n</a>"},
		{"value without an end", "<a b='\n", "<a b=' "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(normalizeAttributes([]byte(c.text))); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
