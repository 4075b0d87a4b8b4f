package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"testing"
)

// answer is a client's view of the server's answer.
type answer struct {
	t      *testing.T
	status int
	body   []byte
}

// want fails the test unless the answer has the status, and at least the members of the JSON: objects may have more
// members, null means absent, an absent object equals an empty one, and lists have the same length. The typed clients
// do not distinguish these cases.
func (a answer) want(status int, format string, values ...any) answer {
	a.t.Helper()
	text := fmt.Sprintf(format, values...)
	if a.status != status {
		a.t.Fatalf("status %d; want %d %s:\n%s", a.status, status, text, a.body)
	}
	if difference := compare("", a.value(), parse(a.t, []byte(text))); difference != "" {
		a.t.Fatalf("%s:\n%s\nwant\n%s", difference, a.body, text)
	}
	return a
}

// wantFailure fails the test unless the answer is a failure of that type in Elasticsearch's format.
func (a answer) wantFailure(status int, kind string) answer {
	a.t.Helper()
	return a.want(status, `{"status": %d, "error": {"type": %q, "root_cause": [{}]}}`, status, kind)
}

func (a answer) value() any { return parse(a.t, a.body) }

// at returns the value below these members of objects, or nil.
func (a answer) at(names ...string) any {
	a.t.Helper()
	value := a.value()
	for _, name := range names {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	return value
}

// text returns a member of the answer's object, which must be a string that is not empty.
func (a answer) text(name string) string {
	a.t.Helper()
	members, _ := a.value().(map[string]any)
	found, _ := members[name].(string)
	if found == "" {
		a.t.Fatalf("no %s in %s", name, a.body)
	}
	return found
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return value
}

// compare returns the first difference between got and want, or "".
func compare(path string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok && got != nil {
			return path + " is no object"
		}
		for name, value := range want {
			if difference := compare(path+"."+name, members[name], value); difference != "" {
				return difference
			}
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			return fmt.Sprintf("%s has %d elements, not %d", path, len(list), len(want))
		}
		for i := range want {
			if difference := compare(fmt.Sprintf("%s[%d]", path, i), list[i], want[i]); difference != "" {
				return difference
			}
		}
	default:
		if !reflect.DeepEqual(got, want) {
			return fmt.Sprintf("%s is %v, not %v", path, got, want)
		}
	}
	return ""
}

// encode returns the JSON of a client's decoded answer.
func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fill decodes a body into a client's request type.
func fill[R any](t *testing.T, request *R, body string) *R {
	t.Helper()
	if err := json.Unmarshal([]byte(body), request); err != nil {
		t.Fatalf("the client's request: %v: %s", err, body)
	}
	return request
}

// readAll reads a low-level client's answer.
func readAll(t *testing.T, status int, body io.ReadCloser) answer {
	t.Helper()
	if body == nil {
		return answer{t, status, nil}
	}
	defer body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{t, status, text}
}
