package xcontent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// record is the target of the test's parser.
type record struct {
	text    string
	maybe   *string
	truth   bool
	texts   []string
	object  map[string]any
	integer int
	inner   string
}

func (r *record) parser() xcontent.Parser {
	inner := xcontent.Parser{Name: "inner", Fields: map[string]xcontent.Field{"text": xcontent.Text(&r.inner)}}
	return xcontent.Parser{Name: "p", Required: []string{"texts"}, Fields: map[string]xcontent.Field{
		"text":    xcontent.Text(&r.text),
		"maybe":   xcontent.OptionalText(&r.maybe),
		"truth":   xcontent.Boolean(&r.truth),
		"texts":   xcontent.Texts(&r.texts),
		"object":  xcontent.Object(&r.object),
		"integer": xcontent.Integer(&r.integer),
		"inner":   xcontent.Nested(inner),
	}}
}

func parse(t *testing.T, text string) (record, error) {
	t.Helper()
	value, err := strictjson.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	return r, r.parser().Read(value)
}

// Ensures that each kind of field takes the same values as Elasticsearch's.
func TestRead(t *testing.T) {
	value, err := strictjson.Decode([]byte(`{"text":"a","maybe":"","truth":"true","texts":["a",1.50,true],"object":{"b":1},"integer":-7,"inner":{"text":"c"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := r.parser().Read(value); err != nil {
		t.Fatal(err)
	}
	if r.text != "a" || r.maybe == nil || *r.maybe != "" || !r.truth || strings.Join(r.texts, " ") != "a 1.50 true" ||
		len(r.object) != 1 || r.integer != -7 || r.inner != "c" {
		t.Errorf("%+v", r)
	}

	var one record
	if err := one.parser().Read(map[string]any{"texts": "a", "truth": false}); err != nil || len(one.texts) != 1 {
		t.Errorf("%+v, %v", one, err)
	}
}

// Ensures that each error has Elasticsearch's type, text and nesting.
func TestRead_Refused(t *testing.T) {
	const xpe, iae = "field invalid: ", "invalid data: "
	for given, want := range map[string]string{
		`[]`:                   xpe + "[p] Expected START_OBJECT but was: START_ARRAY",
		`null`:                 xpe + "[p] Expected START_OBJECT but was: VALUE_NULL",
		`{}`:                   iae + "Required [texts]",
		`{"foo":1}`:            xpe + "[p] unknown field [foo]",
		`{"text1":1}`:          xpe + "[p] unknown field [text1] did you mean [text]?",
		`{"TEXTS":1}`:          xpe + "[p] unknown field [TEXTS] did you mean [texts]?",
		`{"texts":null}`:       xpe + "[p] texts doesn't support values of type: VALUE_NULL",
		`{"texts":1}`:          xpe + "[p] texts doesn't support values of type: VALUE_NUMBER",
		`{"texts":["a",null]}`: xpe + "[p] failed to parse field [texts]: " + iae + "Can't get text on a VALUE_NULL",
		`{"texts":[["a"]]}`:    xpe + "[p] failed to parse field [texts]: " + iae + "Can't get text on a START_ARRAY",
		`{"text":1}`:           xpe + "[p] text doesn't support values of type: VALUE_NUMBER",
		`{"maybe":null}`:       xpe + "[p] maybe doesn't support values of type: VALUE_NULL",
		`{"truth":1}`:          xpe + "[p] truth doesn't support values of type: VALUE_NUMBER",
		`{"truth":"yes"}`: xpe + "[p] failed to parse field [truth]: " + iae +
			"Failed to parse value [yes] as only [true] or [false] are allowed.",
		`{"object":[]}`: xpe + "[p] object doesn't support values of type: START_ARRAY",
		`{"integer":1.5}`: xpe + "[p] failed to parse field [integer]: " + iae +
			"[1.5] is not a whole number in range",
		`{"integer":"1"}`: xpe + "[p] integer doesn't support values of type: VALUE_STRING",
		`{"inner":true}`:  xpe + "[p] inner doesn't support values of type: VALUE_BOOLEAN",
		`{"inner":{"text":true}}`: xpe + "[p] failed to parse field [inner]: " + xpe +
			"[inner] text doesn't support values of type: VALUE_BOOLEAN",
	} {
		t.Run(given, func(t *testing.T) {
			_, err := parse(t, given)
			var f *fault.Error
			if !errors.As(err, &f) || err.Error() != want || len(f.Fields) != 1 {
				t.Errorf("got %v; want %s", err, want)
			}
		})
	}
}

// Ensures that an error which is not a parser's is returned unchanged.
func TestWithin_OtherError(t *testing.T) {
	other := errors.New("x")
	if got := xcontent.Within("p", "f", other); !errors.Is(got, other) || xcontent.Within("p", "f", nil) != nil {
		t.Error(got)
	}
}
