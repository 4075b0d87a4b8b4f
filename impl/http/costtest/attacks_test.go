package costtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Ensures that the requests that were expensive once stay cheap, each with the name of what it attacked.
func TestCost_Attacks(t *testing.T) {
	w := newWorld(t, 1)
	deep := func(n int) string { return nested(n, "[", "", "]") }
	automata := func(n int) string { return array(n, func(i int) string { return fmt.Sprintf(`"/.*a.{20}%d.*/"`, i) }) }
	attacks := []struct {
		name, caller, id, query string
		body                    func(n int) string
	}{
		{"a deep patch by a user without roles", "roleless", "update-current-user", "",
			func(n int) string { return `{"a":` + deep(n) + `}` }},
		{"deep ids", "owner", "security-invalidate-api-keys", "", func(n int) string {
			return `{"ids":` + deep(n) + `}`
		}},
		{"deep values of alternatives", "root", "security-put-role", "", func(n int) string {
			return `{"indices":[{"names":` + deep(n) + `,"privileges":["read"]}]}`
		}},
		{"pretty of deep metadata", "owner", "security-get-api-keys", "pretty&owner=true", nil},
		{"filter_path on deep metadata", "owner", "security-get-api-keys", "owner=true&filter_path=" +
			strings.Repeat("**.a.b,", 580), nil},
		{"wildcards on a long value", "owner", "security-query-api-keys", "", func(n int) string {
			return wildcards(n, func(n int) string { return `"*` + strings.Repeat("a", n) + `b*"` })
		}},
		{"wildcards with many words", "owner", "security-query-api-keys", "", func(n int) string {
			return wildcards(n, func(n int) string { return text(n, "*a") })
		}},
		{"automata of many patterns", "broad", "security-has-privileges", "", func(n int) string {
			return `{"index":[{"names":` + automata(n) + `,"privileges":["read"]}]}`
		}},
		{"many answers to a short question", "owner", "security-has-privileges", "", answers},
	}
	ran := 0
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			ran++
			w.tb = t
			var o operation
			for _, each := range operations(t) {
				if each.id == attack.id {
					o = each
				}
			}
			build := func(n int) Request {
				r := Request{Method: o.method, Target: o.target(w.values) + "?" + attack.query, Header: http.Header{}}
				if attack.body != nil {
					o.setBody(&r, attack.body(n))
				}
				return w.as(attack.caller, r)
			}
			for _, m := range w.measure(trial{o, attack.caller, "attack", attack.name, build}) {
				m.report(t)
				t.Log(m)
			}
		})
	}
	for _, e := range exceptions {
		if !e.used && ran == len(attacks) {
			t.Errorf("no case needs the exception %q any more: remove it", e.reason)
		}
	}
}

// wildcards is a query with many patterns, each of which is below the limit of a pattern's length.
func wildcards(n int, pattern func(n int) string) string {
	const longest = 950
	each := min(n, longest)
	return `{"query":{"bool":{"should":` + array(n-each, func(int) string {
		return `{"wildcard":{"metadata.a":` + pattern(each) + `}}`
	}) + `}}}`
}

// answers asks for privileges over resources, just below the limit of answers when the request is as large as is
// allowed without a slot.
func answers(n int) string {
	const most, length = 300, smallRequest/2/300 - len(`"p123",`)
	long := strings.Repeat("x", length)
	names := func(letter string) string {
		var all []string
		for i := range max(1, most*n/smallRequest) {
			all = append(all, fmt.Sprintf(`"%s%d%s"`, letter, i, long))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	return `{"application":[{"application":"shop","privileges":` + names("p") + `,"resources":` + names("r") + `}]}`
}
