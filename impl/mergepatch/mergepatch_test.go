package mergepatch

import (
	"encoding/json"
	"reflect"
	"testing"
)

// Ensures that the examples of RFC 7396, appendix A, come out as published.
func TestApply_RFC7396(t *testing.T) {
	for _, c := range []struct{ target, patch, result string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target := parse(t, c.target)
		if got := Apply(target, parse(t, c.patch)); !reflect.DeepEqual(got, parse(t, c.result)) {
			t.Errorf("%s changed by %s: %v, want %s", c.target, c.patch, got, c.result)
		}
		if !reflect.DeepEqual(target, parse(t, c.target)) {
			t.Errorf("%s changed by %s: the target itself was changed, to %v", c.target, c.patch, target)
		}
	}
}

// Ensures three laws: a patch applied twice is a patch applied once, no null that a patch holds survives in what it
// merged, and the target stays as it was.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"a":{"b":1}}`), []byte(`{"a":{"b":null,"c":[null]}}`))
	f.Add([]byte(`[1]`), []byte(`{"a":null}`))
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		var before, again, change any
		if json.Unmarshal(target, &before) != nil || json.Unmarshal(target, &again) != nil || json.Unmarshal(patch, &change) != nil {
			return
		}
		once := Apply(before, change)
		if twice := Apply(once, change); !reflect.DeepEqual(once, twice) {
			t.Fatalf("once %v, twice %v", once, twice)
		}
		if !reflect.DeepEqual(before, again) {
			t.Fatalf("the target was changed, from %v to %v", again, before)
		}
		noNull(t, change, once)
	})
}

func noNull(t *testing.T, patch, result any) {
	changes, ok := patch.(map[string]any)
	if !ok {
		return
	}
	members := result.(map[string]any)
	for name, value := range changes {
		got, present := members[name]
		if value == nil && present {
			t.Fatalf("%q is null in the patch and %v in the result", name, got)
		}
		if value != nil {
			noNull(t, value, got)
		}
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
