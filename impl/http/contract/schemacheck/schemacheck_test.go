package schemacheck_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// others are schemas with what the contract does not use.
const others = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths: {}
components:
  schemas:
    Numbers:
      type: object
      properties:
        bounds: {type: number, minimum: -1, maximum: 1.5}
        exclusive: {type: number, minimum: 0, maximum: 1, exclusiveMinimum: true, exclusiveMaximum: true}
        multiple: {type: number, multipleOf: 5, minimum: -1000000, maximum: 1000000}
        even: {type: integer, multipleOf: 2, minimum: -1000000, maximum: 1000000}
        small: {type: integer, format: int32}
        any: {minimum: 1}
    Texts:
      type: object
      minProperties: 1
      maxProperties: 4
      properties:
        pattern: {type: string, pattern: '^[a-c\u0041]*$'}
        length: {type: string, minLength: 2, maxLength: 3}
        date: {type: string, format: date}
        byte: {type: string, format: byte}
    Arrays:
      type: array
      minItems: 1
      maxItems: 3
      items: {type: array, items: {}}
    Directed:
      type: object
      required: [shown, secret]
      properties:
        shown: {type: string, readOnly: true}
        secret: {type: string, writeOnly: true}
    Open:
      type: object
      required: [free, name]
      properties: {name: {type: string}}
      additionalProperties: {type: integer, nullable: true}
    Choices:
      anyOf:
        - {type: string}
        - {allOf: [{$ref: '#/components/schemas/Tree'}], nullable: true}
    Tree:
      type: object
      additionalProperties: false
      properties:
        left: {$ref: '#/components/schemas/Choices'}
        right: {$ref: '#/components/schemas/Tree'}
    Many:
      type: object
      additionalProperties: false
      properties:
        p1: {}
        p2: {}
        p3: {}
        p4: {}
        p5: {}
        p6: {}
        p7: {}
        p8: {}
        p9: {nullable: true}
        p10: {}
`

// subject is a schema, and the check that is compiled from it.
type subject struct {
	name      string
	schema    *openapi3.Schema
	direction schemacheck.Direction
	check     *schemacheck.Check
}

// subjects are all schemas of the contract and the others, in both directions.
var subjects = sync.OnceValue(func() []subject {
	var all []subject
	for _, document := range []string{string(api.OpenAPI), others} {
		loaded := must(openapi3.NewLoader().LoadFromData([]byte(document)))
		if err := loaded.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
			panic(err)
		}
		schemas := loaded.Components.Schemas
		for _, name := range slices.Sorted(maps.Keys(schemas)) {
			for _, direction := range []schemacheck.Direction{schemacheck.Request, schemacheck.Response} {
				options := schemacheck.Options{Direction: direction, MaxDepth: strictjson.MaxDepth}
				check := must(schemacheck.Compile(schemas[name].Value, options))
				all = append(all, subject{fmt.Sprintf("%s/%d", name, direction), schemas[name].Value, direction, check})
			}
		}
	}
	return all
})

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// interpret returns the value of a text, or an error if it is not valid.
func (s subject) interpret(text []byte) (any, error) {
	value, err := strictjson.Decode(text)
	if err != nil {
		return nil, err
	}
	visitAs := openapi3.VisitAsRequest()
	if s.direction == schemacheck.Response {
		visitAs = openapi3.VisitAsResponse()
	}
	return value, s.schema.VisitJSON(value, visitAs, openapi3.DisableSchemaErrorDetails())
}

// compare fails the test if the check accepts a text that is not valid, or if the text is decoded differently. It
// reports whether the text is valid, and whether the check accepts it.
func (s subject) compare(t *testing.T, text []byte) (valid, accepted bool) {
	t.Helper()
	value, err := s.interpret(text)
	accepted = s.check.Accepts(text)
	if accepted && err != nil {
		t.Errorf("%s: %q is accepted, and not valid: %v", s.name, text, err)
	}
	if accepted && err == nil {
		if got := schemacheck.Decode(text); !reflect.DeepEqual(got, value) {
			t.Errorf("%s: %q is decoded to %v, not %v", s.name, text, got, value)
		}
	}
	return err == nil, accepted
}

// Ensures that checks accept nothing that is not valid, and that at most 1 % of what is valid is left undecided: values
// that are generated from the schemas, and texts that were made from them by changes.
func TestCheck_Interpreter(t *testing.T) {
	t.Parallel()
	rounds := 40
	if os.Getenv("SALLYPORT_TEST_THOROUGH") != "" {
		rounds = 2000
	}
	for i, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			g := newGenerator(uint64(i), s.direction)
			var count tally
			for range rounds {
				text := g.valid(s.schema)
				count.add(s.compare(t, text))
				for range 4 {
					s.compare(t, g.changed(text))
				}
				if value, err := strictjson.Decode(text); err == nil {
					s.compare(t, g.altered(value))
				}
			}
			if count.valid < rounds/4 {
				t.Errorf("only %d of %d generated values are valid", count.valid, rounds)
			}
			if undecided := count.valid - count.accepted; 100*undecided > count.valid {
				t.Errorf("%d of %d valid values are undecided", undecided, count.valid)
			}
		})
	}
}

type tally struct{ valid, accepted int }

func (c *tally) add(valid, accepted bool) {
	if valid {
		c.valid++
	}
	if accepted {
		c.accepted++
	}
}

func FuzzCheck(f *testing.F) {
	for i, s := range subjects() {
		g := newGenerator(uint64(i), s.direction)
		text := g.valid(s.schema)
		f.Add(i, text)
		f.Add(i, g.changed(text))
	}
	f.Fuzz(func(t *testing.T, i int, text []byte) {
		all := subjects()
		all[max(i, -i, 0)%len(all)].compare(t, text)
	})
}

// compileText compiles a schema in YAML.
func compileText(t testing.TB, schema string) (*schemacheck.Check, error) {
	t.Helper()
	document := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\ncomponents: {schemas: {S: " + schema + "}}"
	loaded, err := openapi3.NewLoader().LoadFromData([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return schemacheck.Compile(loaded.Components.Schemas["S"].Value, schemacheck.Options{MaxDepth: 3})
}

// Ensures that each violation of JSON, or of the limits beyond the schema, is refused, beside an accepted text that is
// almost the same.
func TestCheck_JSON(t *testing.T) {
	t.Parallel()
	check, err := compileText(t, "{type: object, additionalProperties: true}")
	if err != nil {
		t.Fatal(err)
	}
	many := func(last string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"n%d":{"n%d":0},`, i, i)
		}
		return "{" + b.String() + `"` + last + `":0}`
	}
	for name, c := range map[string]struct{ accepted, refused string }{
		"duplicate":         {`{"a":1,"b":1}`, `{"a":1,"a":1}`},
		"escaped duplicate": {`{"a":1,"\u0062":1}`, `{"a":1,"\u0061":1}`},
		"many names":        {many("n100"), many("n55")},
		"inner duplicate":   {`{"a":{"a":1}}`, `{"a":{"b":1,"b":1}}`},
		"depth":             {`{"a":[[]]}`, `{"a":[[[]]]}`},
		"trailing data":     {"{} \n", "{} 0"},
		"two values":        {"{}", "{}{}"},
		"UTF-8":             {`{"a":"ä"}`, "{\"a\":\"\xe4\"}"},
		"surrogate pair":    {`{"a":"\ud83d\ude00"}`, `{"a":"\ud83d\u0041"}`},
		"half a pair":       {`{"a":"\ud7ff"}`, `{"a":"\ud800"}`},
		"number":            {`{"a":-0.1e+5}`, `{"a":-01}`},
		"control character": {`{"a":"\n"}`, "{\"a\":\"\n\"}"},
		"comma":             {`{"a":1}`, `{"a":1,}`},
		"name":              {`{"a":1}`, `{a:1}`},
		"colon":             {`{"a":1}`, `{"a"=1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !check.Accepts([]byte(c.accepted)) {
				t.Errorf("%s is not accepted", c.accepted)
			}
			if check.Accepts([]byte(c.refused)) {
				t.Errorf("%s is accepted", c.refused)
			}
		})
	}
}

// Ensures that a schema is refused that has a keyword without an implementation.
func TestCompile_Unsupported(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"not":           "{not: {type: string}}",
		"uniqueItems":   "{type: array, items: {}, uniqueItems: true}",
		"same type":     "{oneOf: [{type: string}, {type: string, maxLength: 3}]}",
		"numbers":       "{oneOf: [{type: integer}, {type: number}]}",
		"null twice":    "{oneOf: [{type: integer, nullable: true}, {type: string, nullable: true}]}",
		"two of allOf":  "{allOf: [{type: string}, {type: string, maxLength: 3}]}",
		"with a type":   "{type: string, oneOf: [{type: string}, {type: integer}]}",
		"numeric enum":  "{enum: [1, 2]}",
		"discriminator": "{oneOf: [{type: object}, {type: string}], discriminator: {propertyName: a}}",
		"required":      "{type: object, required: [a], additionalProperties: false}",
		"itself":        "{oneOf: [{$ref: '#/components/schemas/S'}, {type: string}]}",
		"nested":        "{type: object, properties: {a: {type: array, items: {not: {type: string}}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := compileText(t, schema); err == nil {
				t.Error("it compiles")
			}
		})
	}
}

// Ensures that a check is exact if and only if every described object refuses other members.
func TestCheck_Exact(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		schema string
		want   bool
	}{
		"closed": {"{type: object, additionalProperties: false, properties: {a: {type: string}}}", true},
		"open":   {"{type: object, properties: {a: {type: string}}}", false},
		"map":    {"{type: object, additionalProperties: {type: string}}", true},
		"nested": {"{type: array, items: {type: object, properties: {a: {type: string}}}}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, err := compileText(t, c.schema)
			if err != nil || check.Exact() != c.want {
				t.Errorf("%v, %v", check, err)
			}
		})
	}
}

// raced is set if the race detector is on, which makes pools drop what they are given at random.
var raced bool

// Ensures that accepting a text needs no memory.
func TestCheck_Allocations(t *testing.T) {
	if raced {
		t.Skip("the race detector empties pools")
	}
	check, err := compileText(t, "{type: object, properties: {a: {type: array, items: {type: string, maxLength: 5}}}}")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(`{"a": ["äöü", "b"], "c": {"d": 1.5, "e": [true, null]}}`)
	if n := testing.AllocsPerRun(100, func() {
		if !check.Accepts(text) {
			t.Error("it is not accepted")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleCompile() {
	name := openapi3.NewStringSchema().WithMaxLength(8)
	schema := openapi3.NewObjectSchema().WithProperty("name", name).WithoutAdditionalProperties()
	check, err := schemacheck.Compile(schema, schemacheck.Options{Direction: schemacheck.Request, MaxDepth: 64})
	if err != nil {
		fmt.Println("this schema is for the interpreter:", err)
		return
	}
	for _, text := range []string{`{"name": "alice"}`, `{"name": "alice", "name": "bob"}`, `{"Name": "alice"}`} {
		fmt.Println(check.Accepts([]byte(text)))
	}
	// Output:
	// true
	// false
	// false
}

func ExampleBind() {
	var user struct {
		Name  string          `json:"name"`
		Email *string         `json:"email"`
		Extra json.RawMessage `json:"extra"`
	}
	err := schemacheck.Bind([]byte(`{"name": "alice", "email": null, "extra": {"a": 1e3}}`), &user)
	fmt.Println(user.Name, user.Email, string(user.Extra), err)
	// Output:
	// alice <nil> {"a": 1e3} <nil>
}

// Ensures that times are accepted if and only if they are valid: each field at its limits and beyond them.
func TestCheck_DateTime(t *testing.T) {
	t.Parallel()
	schema := openapi3.NewDateTimeSchema()
	check := must(schemacheck.Compile(schema, schemacheck.Options{MaxDepth: 1}))
	s := subject{name: "date-time", schema: schema, check: check}
	for _, text := range []string{
		"2026-11-28T12:00:00Z", "2026-11-28T12:00:00.1Z", "2026-11-30T12:00:00Z", "2026-11-31T12:00:00Z", "2026-02-29T12:00:00Z",
		"2026-00-28T12:00:00Z", "2026-13-28T12:00:00Z", "2026-11-00T12:00:00Z", "2026-11-28T24:00:00Z", "2026-11-28T23:60:00Z",
		"2026-11-28T23:59:60Z", "2026-11-28T23:59:61Z", "2026-11-28T12:00:00.Z", "2026-11-28T12:00:00", "2026-11-28T12:00:00z",
		"2026-11-28t12:00:00Z", "2026-11-28 12:00:00Z", "2026-11-28T12:00:00ZZ", "2026-11-28T12:00:00+01:00", "2026-11-28T12:00Z",
		"2026-11-28T12:00:00.1", "026-11-28T12:00:00Z", "", "2026-11-28T1a:00:00Z", "2026/11/28T12:00:00Z", "2026-11-28T12:00:00.1.Z",
	} {
		if valid, accepted := s.compare(t, []byte(`"`+text+`"`)); valid != accepted {
			t.Errorf("%s is valid: %t, accepted: %t", text, valid, accepted)
		}
	}
}

// Ensures that members that are left undecoded have the values that Decode gives them.
func TestDecodeExcept(t *testing.T) {
	t.Parallel()

	names := []string{"ids", "d"}
	for _, text := range []string{
		`{}`, `null`, `"ids"`, `[{"ids":1}]`, ` { "ids" : [ ] , "x":{"ids":["a"]}, "d" : {"a":"}\"]", "b":[1,{}]} } `,
		`{"ids":["a","", "b\"\u00e4","c\\","\\\"d"]}`, `{"ids":"a","d":null}`, `{"\u0069ds":[1,"a"],"d":[true]}`,
		`{"ids":[["a"]],"d":["a",{"b":"c"}]}`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()

			want := schemacheck.Decode([]byte(text))
			got := schemacheck.DecodeExcept([]byte(text), names)
			members, _ := got.(map[string]any)
			for name, value := range members {
				raw, undecoded := value.(schemacheck.Raw)
				if undecoded != slices.Contains(names, name) {
					t.Errorf("%s is a %T", name, value)
				}
				if undecoded {
					members[name] = raw.Decode()
					checkStrings(t, raw)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v; want %v", got, want)
			}
		})
	}
}

// checkStrings compares Raw.Strings with what Decode returns.
func checkStrings(t *testing.T, raw schemacheck.Raw) {
	t.Helper()

	elements, ok := raw.Decode().([]any)
	want := []string{}
	for _, element := range elements {
		text, isText := element.(string)
		ok = ok && isText
		want = append(want, text)
	}
	if got, all := raw.Strings(); all != ok || ok && !slices.Equal(got, want) {
		t.Errorf("the strings of %s are %q, %t", raw, got, all)
	}
}
