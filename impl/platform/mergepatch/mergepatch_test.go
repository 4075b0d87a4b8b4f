package mergepatch

import (
	"encoding/json"
	"reflect"
	"testing"
)

// Ensures that the examples of RFC 7396, appendix A, have the published results.
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
		t.Run(c.target+" and "+c.patch, func(t *testing.T) {
			target := parse(t, c.target)
			if got := Apply(target, parse(t, c.patch)); !reflect.DeepEqual(got, parse(t, c.result)) {
				t.Errorf("got %v; want %s", got, c.result)
			}
			if !reflect.DeepEqual(target, parse(t, c.target)) {
				t.Errorf("the target was modified to %v", target)
			}
		})
	}
}

// Ensures that applying a patch twice has the same result as once, that members which are null in the patch are absent
// from the result, and that the target is not modified.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"a":{"b":1}}`), []byte(`{"a":{"b":null,"c":[null]}}`))
	f.Add([]byte(`[1]`), []byte(`{"a":null}`))
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		var before, again, change any
		if json.Unmarshal(target, &before) != nil || json.Unmarshal(target, &again) != nil ||
			json.Unmarshal(patch, &change) != nil {
			return
		}

		once := Apply(before, change)
		if twice := Apply(once, change); !reflect.DeepEqual(once, twice) {
			t.Fatalf("once %v, twice %v", once, twice)
		}
		if !reflect.DeepEqual(before, again) {
			t.Fatalf("the target was modified from %v to %v", again, before)
		}
		wantNullsRemoved(t, change, once)
	})
}

// wantNullsRemoved fails the test if a member that is null in the patch is present in the result.
func wantNullsRemoved(t *testing.T, patch, result any) {
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
			wantNullsRemoved(t, value, got)
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
