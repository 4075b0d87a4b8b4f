package strictyaml

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Ensures that Object returns what encoding/json would decode, and an error for what is not an object of JSON.
func TestSection_Object(t *testing.T) {
	t.Parallel()
	s, err := Read([]byte("a: {n: 12, f: 1.5, list: [x, true, null], in: {y: z}}\nb: [1]\nd: {x: .nan}\n"),
		"a", "b", "d", "e")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"n": json.Number("12"), "f": json.Number("1.5"), "list": []any{"x", true, nil}, "in": map[string]any{"y": "z"},
	}
	if got := s.Object("a"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v; want %#v", got, want)
	}
	if got := s.Object("e"); got != nil || s.Err() != nil {
		t.Errorf("a missing member is %v, %v; want nil", got, s.Err())
	}
	s.Object("b")
	s.Object("d")
	for _, want := range []string{"b: this must have members of its own", "d: this cannot be written as JSON"} {
		if !strings.Contains(s.Err().Error(), want) {
			t.Errorf("the errors are %v; want %q", s.Err(), want)
		}
	}
}
