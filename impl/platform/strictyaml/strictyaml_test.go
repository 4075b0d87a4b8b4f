package strictyaml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

func read(t *testing.T, text string) strictyaml.Section {
	t.Helper()

	s, err := strictyaml.Read([]byte(text), "name", "count", "on", "wait", "list", "part", "parts", "id")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensures that a text that is not one document is refused, and that the error does not quote it.
func TestRead_Invalid(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "this is empty"},
		{"only a comment", "# hunter2", "this is empty"},
		{"two documents", "name: x\n---\nname: hunter2", "this must be one document, not several"},
		{"unknown anchor", "name: *hunter2", "unknown anchor"},
		{"unclosed list", "name: [hunter2", "line 1: did not find expected"},
		{"unclosed text", "name: \"hunter2", "found unexpected end of stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := strictyaml.Read([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
}

func TestUnmarshal(t *testing.T) {
	t.Run("a mapping", func(t *testing.T) {
		got, err := strictyaml.Unmarshal([]byte("a: {b: 1}\nc: [x, true]\nd:"))
		if err != nil || fmt.Sprint(got) != "map[a:map[b:1] c:[x true] d:<nil>]" {
			t.Errorf("got %v, %v", got, err)
		}
	})

	for _, c := range []struct{ name, text, want string }{
		{"a list", "- x", "line 1: cannot unmarshal"},
		{"a text", "hunter2", "line 1: cannot unmarshal"},
		{"a member that is set twice", "a: x\na: y", "line 2: mapping key (hidden) already defined at line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := strictyaml.Unmarshal([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}

	t.Run("empty", func(t *testing.T) {
		if _, err := strictyaml.Unmarshal(nil); !errors.Is(err, strictyaml.ErrEmpty) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSection_Values(t *testing.T) {
	s := read(t,
		"name: x\ncount: 3\non: false\nwait: 2m\nlist: [a, b]\npart: {name: y}\nparts: [{name: z}, {id: 1, name: w}]")

	part, given := s.Section("part", "name")
	got := fmt.Sprint(s.Text("name"), s.Integer("count"), s.Boolean("on", true),
		s.Duration("wait", 0, time.Second, time.Hour), s.Texts("list"), given, part.Required("name"))
	for each := range s.Sections("parts", "id", "name") {
		got += each.Text("name")
	}
	if want := "x3 false 2m0s [a b] trueyzw"; got != want || s.Err() != nil {
		t.Errorf("got %s, %v; want %s", got, s.Err(), want)
	}
}

// Ensures that missing and null members are read as their defaults.
func TestSection_Missing(t *testing.T) {
	for name, text := range map[string]string{
		"missing": "id: x", "null": "name:\ncount:\non:\nwait:\nlist:\npart:\nparts:",
	} {
		t.Run(name, func(t *testing.T) {
			s := read(t, text)
			part, given := s.Section("part", "name")
			got := fmt.Sprint(s.Text("name"), s.Integer("count"), s.Boolean("on", true), s.Duration("wait", time.Second, 0, 0),
				s.Texts("list"), given,
				part.Text("name"), s.Empty("parts"), s.Given("name"))
			if want := "0 true 1s [] falsetrue false"; strings.TrimSpace(got) != want || s.Err() != nil {
				t.Errorf("got %s, %v; want %s", got, s.Err(), want)
			}
		})
	}
}

// Ensures that each invalid member is one error with its place.
func TestSection_Errors(t *testing.T) {
	for _, c := range []struct {
		name, text string
		read       func(strictyaml.Section)
		want       string
	}{
		{"an unknown member", "name: x\nnames: y", nil, "names: there is no such setting (line 2)"},
		{"an unknown long member", strings.Repeat("x", 41) + ": y", nil,
			strings.Repeat("x", 40) + "...: there is no such setting (line 1)"},
		{"a member that is set twice", "name: x\nname: y", nil, "name: this is set twice (line 2)"},
		{"an alias", "name: &a x\nid: *a", nil, "id: aliases are not taken; write it again (line 2)"},
		{"a number for a text", "name: 1", func(s strictyaml.Section) { s.Text("name") },
			"name: this is not text; put it in quotes if it is meant to be (line 1)"},
		{"an empty text", "name: ''", func(s strictyaml.Section) { s.Text("name") },
			"name: this is empty; leave it out instead (line 1)"},
		{"two lines", `name: "a\nb"`, func(s strictyaml.Section) { s.Text("name") },
			"name: this must be one line without blanks at its ends (line 1)"},
		{"a missing text", "id: x", func(s strictyaml.Section) { s.Required("name") }, "name: this is missing (line 1)"},
		{"a text for a boolean", "on: 'true'", func(s strictyaml.Section) { s.Boolean("on", true) },
			"on: this must be true or false (line 1)"},
		{"a fraction for a number", "count: 1.5", func(s strictyaml.Section) { s.Integer("count") },
			"count: this must be a whole number (line 1)"},
		{"a long duration", "wait: 2h",
			func(s strictyaml.Section) { s.Duration("wait", time.Minute, time.Second, time.Hour) },
			"wait: this must be a duration from 1s to 1h0m0s, such as 1m0s (line 1)"},
		{"a text for a list", "list: x", func(s strictyaml.Section) { s.Texts("list") },
			"list: this must be a list (line 1)"},
		{"a text for a section", "part: x", func(s strictyaml.Section) { s.Section("part", "name") },
			"part: this must have members of its own, such as name (line 1)"},
		{"an element", "parts: [{}]", func(s strictyaml.Section) {
			for each := range s.Sections("parts", "name") {
				each.Required("name")
			}
		}, "parts[0].name: this is missing (line 1)"},
		{"an element with an id", "parts: [{id: a}]", func(s strictyaml.Section) {
			for each := range s.NamedSections("parts", func(id string) string { return "part " + id + ": " }, "id", "name") {
				each.Required("name")
			}
		}, "part a: name: this is missing (line 1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, c.text)
			if c.read != nil {
				c.read(s)
			}
			if err := s.Err(); err == nil || err.Error() != c.want {
				t.Errorf("got %v; want %s", err, c.want)
			}
		})
	}
}
