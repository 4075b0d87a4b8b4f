package roledescriptor

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// rawText is a value that is not decoded. It counts how often it is.
type rawText struct {
	text    string
	decoded *int
}

// Text implements xcontent.Raw.
func (r rawText) Text() []byte { return []byte(r.text) }

// Decode implements xcontent.Raw.
func (r rawText) Decode() any {
	*r.decoded++
	value, _ := strictjson.Decode([]byte(r.text))
	return value
}

// Strings implements xcontent.Raw.
func (rawText) Strings() ([]string, bool) { return nil, false }

// Ensures that text is read like a decoded value; once, if it is valid and not too large, for each of the options.
func TestField_Raw(t *testing.T) {
	t.Parallel()

	described := `{"a":{"cluster":["monitor"],"description":"TestField_Raw"}}`
	restricted := Options{AllowRestriction: true}
	large := `{"a":{"cluster":["` + strings.Repeat("x", maxParsedText) + `"]}}`
	for _, c := range []struct {
		name    string
		text    string
		options Options
		// decoded is how often the text is decoded when it is read twice.
		decoded int
	}{
		{"valid", `{"a":{"cluster":["monitor"],"run_as":["TestField_Raw"]},"b":{}}`, restricted, 1},
		{"empty", `{}`, restricted, 1},
		{"large", large, restricted, 2},
		{"invalid", `{"a":{"indices":[{"names":["TestField_Raw"]}]}}`, restricted, 2},
		{"array", `[]`, restricted, 2},
		{"null", `null`, restricted, 2},
		{"with a description", described, everything, 1},
		{"without the right to one", described, restricted, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			decoded := 0
			raw := rawText{c.text, &decoded}
			var want Set
			wantErr := Field(&want, c.options)(raw.Decode())

			decoded = 0
			for range 2 {
				var got Set
				err := Field(&got, c.options)(raw)
				if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
					t.Errorf("got %v, %v; want %v, %v", got, err, want, wantErr)
				}
			}
			if decoded != c.decoded {
				t.Errorf("decoded %d times; want %d", decoded, c.decoded)
			}
		})
	}
}
