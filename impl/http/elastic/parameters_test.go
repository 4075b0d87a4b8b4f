package elastic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Ensures that parameters which every operation has are removed, that a boolean without a value is true, that the
// others reach the operation, and that unknown, repeated and malformed parameters are refused.
func TestExchange_Query(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	const iae, boolean = "400 illegal_argument_exception: ",
		"Failed to parse value [x] as only [true] or [false] are allowed."
	for query, want := range map[string]string{
		"": "map[]",
		"human&error_trace=true&pretty=false&format=json": "map[]",
		"owner":                          "map[owner:true]",
		"owner=&refresh=&size=3":         "map[owner:true refresh:true size:3]",
		"owner=false&ids=a%2Cb,c&human=": "map[ids:a,b,c owner:false]",
		"refresh=wait_for&&":             "map[refresh:wait_for]",
		"x=1":                            iae + "request [/_security/thing] contains unrecognized parameter: [x]",
		"y&x=1&owner":                    iae + "request [/_security/thing] contains unrecognized parameters: [x], [y]",
		"owner=x":                        iae + boolean,
		"pretty=x":                       iae + boolean,
		"human=x":                        iae + boolean,
		"error_trace=x":                  iae + boolean,
		"pretty&pretty":                  iae + "the parameter [pretty] is given more than once",
		"owner=true&owner=false":         iae + "the parameter [owner] is given more than once",
		"%zz":                            iae + "the query string cannot be decoded",
		"owner=true;size=1":              iae + "the query string cannot be decoded",
		"format=yaml":                    "406 : format [yaml] is not supported, only [json] is",
		"filter_path=" + strings.Repeat("a,", 3000): iae + "the parameter [filter_path] is too long",
		"size=x":    iae + "[size] this value does not fit the query parameter",
		"refresh=x": iae + "[refresh] this value does not fit the query parameter",
		strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", ""), "&"): iae +
			"the query string has too many parameters",
	} {
		answer := s.do("GET", thing+"?"+query, "")
		var got string
		if answer.Code == http.StatusOK {
			var read struct{ Query map[string]string }
			if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
				t.Fatal(err)
			}
			got = fmt.Sprint(read.Query)
		} else {
			got = reasonOf(t, answer)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}
