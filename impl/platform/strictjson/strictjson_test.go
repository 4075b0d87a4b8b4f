package strictjson

import (
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Ensures that values are decoded completely, numbers to the last digit.
func TestDecode(t *testing.T) {
	got, err := Decode([]byte(` {"a": [1.50, 12345678901234567890, {"b": null}], "A": "x", "e": {}, "f": []} `))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": []any{json.Number("1.50"), json.Number("12345678901234567890"), map[string]any{"b": nil}},
		"A": "x", "e": map[string]any{}, "f": []any{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

// Ensures that a duplicate member is refused at any depth, with its path.
func TestDecode_Duplicate(t *testing.T) {
	for text, path := range map[string]string{
		`{"a":1,"a":1}`:                 "a",
		`{"a":1,"\u0061":2}`:            "a",
		`{"x":{"y":[0,{"z":1,"z":2}]}}`: "x.y.1.z",
		`{"":1,"":2}`:                   "",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Decode([]byte(text))
			var duplicate *DuplicateError
			if !errors.As(err, &duplicate) || duplicate.Path != path {
				t.Errorf("got %v; want a duplicate at %q", err, path)
			}
		})
	}
}

// Ensures that surrogate pairs, and other escapes that look similar to surrogates, are accepted.
func TestDecode_Escapes(t *testing.T) {
	for text, want := range map[string]string{
		`"\ud83d\ude00"`: "😀", `"\\ud800"`: `\ud800`, `"\\\u0041"`: `\A`, `"\u0000\n"`: "\x00\n",
	} {
		if got, err := Decode([]byte(text)); err != nil || got != want {
			t.Errorf("Decode(%s) = %q, %v", text, got, err)
		}
	}
}

// Ensures that the cost of an error at a deep level is proportional to the length of the text.
func TestDecode_DeepFailure(t *testing.T) {
	const depth = 9_000
	member := `{"` + strings.Repeat("n", 90) + `":`
	text := []byte(strings.Repeat(member, depth) + `{"x":1,"x":2}` + strings.Repeat("}", depth))
	for name, decode := range map[string]func([]byte) (any, error){"too deep": Decode, "duplicate": DecodeStored} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := decode(text); err == nil {
				t.Fatal("accepted")
			}
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			if limit := uint64(40 * len(text)); allocated > limit {
				t.Errorf("refusing %d bytes allocates %d bytes", len(text), allocated)
			}
		})
	}
}

// Ensures that 64 levels are accepted, that the path of the next one is reported, and that stored values may have more.
func TestDecode_Depth(t *testing.T) {
	nested := func(levels int) []byte {
		return []byte(`{"a":[0,` + strings.Repeat("[", levels-2) + strings.Repeat("]", levels-2) + `]}`)
	}
	if _, err := Decode(nested(64)); err != nil {
		t.Errorf("64 levels: %v", err)
	}
	_, err := Decode(nested(65))
	var deep *DepthError
	if want := "a.1" + strings.Repeat(".0", 62); !errors.As(err, &deep) || deep.Path != want || deep.Offset != 8+62 {
		t.Errorf("65 levels: %v %+v; want %s", err, deep, want)
	}
	if _, err := Decode([]byte(strings.Repeat(`[[],`, 64) + "[]" + strings.Repeat("]", 64))); !errors.As(err, &deep) {
		t.Errorf("65 levels beside others: %v", err)
	}
	if _, err := Decode([]byte("[" + strings.Repeat(string(nested(63))+",", 99) + "1]")); err != nil {
		t.Errorf("64 levels, 99 times: %v", err)
	}
	if _, err := DecodeStored(nested(9_999)); err != nil {
		t.Errorf("stored, 9,999 levels: %v", err)
	}
	var syntax *SyntaxError
	if _, err := DecodeStored(nested(10_001)); !errors.As(err, &syntax) {
		t.Errorf("stored, 10,001 levels: %v", err)
	}
}

// Ensures that input which is not one JSON value is refused.
func TestDecode_Syntax(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": " ", "word": "nope", "open object": `{"a":1`, "open array": "[1,", "trailing value": "{} {}",
		"trailing word": `{} x`, "trailing comma": `{"a":1,}`, "comment": "{}//", "bad UTF-8": "\"\xff\"",
		"byte order mark": "\ufeff{}",
		"NaN":             "NaN", "single quotes": "{'a':1}",
		"bottomless":     strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		"a million open": strings.Repeat("[", 1_000_000), "half a pair": `"\ud800"`, "second half": `"\udc00"`,
		"half and letter": `"\ud800\u0061"`,
		"half and text":   `"\ud83dxude00"`, "two first halves": `"\ud83d\ud83d"`, "half in a name": `{"\udfff":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(text))
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Errorf("got %v; want a syntax error", err)
			}
		})
	}
}

// Ensures that encoding/json accepts the same input with the same result.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}]}`, `"x"`, `{"a":1,"a":2}`, `[[[[`, `1e999`, "{}{}", `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(data)
		if err != nil {
			return
		}
		var want any
		decoder := json.NewDecoder(strings.NewReader(string(data)))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("accepted, but encoding/json says %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v, encoding/json %#v", got, want)
		}
	})
}
