package rolemapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

func parsed(t *testing.T, text string) (Rule, error) {
	t.Helper()
	document, err := strictjson.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return ParseRule(document)
}

// Ensures that a rule is shown as it was sent, but that a list of one value is shown as the value.
func TestRule_JSON(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`{"field":{"username":"a*"}}`, ""},
		{`{"field":{"metadata.x":["a",1,true,null]}}`, ""},
		{`{"field":{"groups":["a"]}}`, `{"field":{"groups":"a"}}`},
		{`{"any":[]}`, ""},
		{`{"all":[{"any":[{"field":{"dn":"x"}},{"all":[]}]},{"except":{"field":{"realm.name":"y"}}}]}`, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			rule, err := parsed(t, c.rule)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(rule.JSON())
			if want := strings.TrimSpace(c.want); err != nil || string(got) != want && (want != "" || string(got) != c.rule) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestParseRule_Refused(t *testing.T) {
	const begin = "failed to parse rules expression. "
	for rule, want := range map[string]string{
		`[]`:                                    begin + "expected [rules] to be an object but found [START_ARRAY] instead",
		`{}`:                                    begin + "object [rules] does not contain any fields",
		`{"any":[],"all":[]}`:                   begin + "object [rules] contains multiple fields",
		`{"foo":[]}`:                            begin + "field [foo] is not recognised in object [rules]",
		`{"any":{}}`:                            begin + "field [any] requires an array",
		`{"any":[1]}`:                           begin + "expected [any] to be an object but found [VALUE_NUMBER] instead",
		`{"except":{"field":{"a":1}}}`:          begin + "field [except] is not allowed within [rules]",
		`{"any":[{"except":{"all":[]}}]}`:       begin + "field [except] is not allowed within [any]",
		`{"all":[{"except":[]}]}`:               begin + "expected an object but found [START_ARRAY] instead",
		`{"all":[{"except":{"except":{}}}]}`:    begin + "field [except] is not allowed within [except]",
		`{"field":1}`:                           begin + "expected an object but found [VALUE_NUMBER] instead",
		`{"field":{}}`:                          begin + "object [field] does not contain any fields",
		`{"field":{"a":1,"b":1}}`:               begin + "object [field] contains multiple fields",
		`{"field":{"a":{}}}`:                    begin + "expected a field value but found [START_OBJECT] instead",
		`{"field":{"a":[[1]]}}`:                 begin + "expected a field value but found [START_ARRAY] instead",
		`{"field":{"a":[]}}`:                    "a field of a rule must have a name, and one value at least",
		`{"field":{"":1}}`:                      "a field of a rule must have a name, and one value at least",
		`{"field":{"a":1.5}}`:                   "the number [1.5] in a rule must be a whole number",
		`{"field":{"a":"/(/"}}`:                 "the regular expression [/(/]",
		`{"field":{"a":"/a*"}}`:                 "the pattern [/a*] begins with a slash",
		`{"field":{"a":"` + long + `"}}`:        "a text in a rule has 1025 bytes",
		`{"field":{"` + long + `":1}}`:          "a text in a rule has 1025 bytes",
		`{"field":{"a":"*` + long[1:] + `bc"}}`: "a text in a rule has 1027 bytes",
	} {
		t.Run(rule[:min(len(rule), 40)], func(t *testing.T) {
			_, err := parsed(t, rule)
			refused, ok := errors.AsType[*fault.Error](err)
			if !ok || !strings.HasPrefix(refused.Message, want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

var long = strings.Repeat("x", maxText+1)

var erin = User{
	Name:   "erin",
	DN:     "CN=Erin, OU=People,dc=Example",
	Groups: []string{"Staff", `cn=Chiefs,ou=Groups,dc=Example`, `cn=a\,ou=Groups,dc=other`},
	Metadata: map[string][]string{
		"saml(team)": {"blue", "green"},
		"saml(none)": {},
	},
	Realm: "corporate",
}

// Ensures that fields are compared as in Elasticsearch: dn and groups as names without regard to case, all others as
// texts; and that an unknown field has the value null.
func TestRule_Matches(t *testing.T) {
	for _, c := range []struct {
		rule string
		want bool
	}{
		{`{"field":{"username":"erin"}}`, true},
		{`{"field":{"username":"Erin"}}`, false},
		{`{"field":{"username":"er*"}}`, true},
		{`{"field":{"username":"er?n"}}`, false}, // without an asterisk it is a text
		{`{"field":{"username":"*er?n"}}`, true},
		{`{"field":{"username":"/e[a-z]+/"}}`, true},
		{`{"field":{"username":"/e/"}}`, false},
		{`{"field":{"username":["bob","erin"]}}`, true},
		{`{"field":{"username":null}}`, false},
		{`{"field":{"username":[1,true]}}`, false},
		{`{"field":{"realm.name":"corporate"}}`, true},
		{`{"field":{"realm.name":"corp"}}`, false},
		{`{"field":{"groups":"staff"}}`, true},
		{`{"field":{"groups":"staf"}}`, false},
		{`{"field":{"groups":"st*"}}`, true},
		{`{"field":{"groups":"ST*"}}`, true},
		{`{"field":{"groups":"St*X"}}`, false},
		{`{"field":{"groups":"CN=chiefs, OU=groups,DC=example"}}`, true},
		{`{"field":{"groups":"*,dc=example"}}`, true},
		{`{"field":{"groups":"*,OU=GROUPS, dc=example"}}`, true},
		{`{"field":{"groups":"*, ou=nothing,dc=example"}}`, false},
		{`{"field":{"groups":null}}`, false},
		{`{"field":{"dn":"cn=erin,ou=people,dc=example"}}`, true},
		{`{"field":{"dn":"*,ou=people,dc=EXAMPLE"}}`, true},
		{`{"field":{"dn":"*,cn=erin,ou=people,dc=example"}}`, false},
		{`{"field":{"dn":"erin"}}`, false},
		{`{"field":{"dn":null}}`, false},
		{`{"field":{"metadata.saml(team)":"green"}}`, true},
		{`{"field":{"metadata.saml(team)":"Green"}}`, false},
		{`{"field":{"metadata.saml(team)":"gr*"}}`, true},
		{`{"field":{"metadata.saml(team)":null}}`, false},
		{`{"field":{"metadata.saml(none)":null}}`, false},
		{`{"field":{"metadata.other":null}}`, true},
		{`{"field":{"metadata.other":"x"}}`, false},
		{`{"field":{"other":null}}`, true},
		{`{"field":{"other":"*"}}`, false},
		{`{"any":[]}`, false},
		{`{"all":[]}`, true},
		{`{"any":[{"field":{"username":"x"}},{"field":{"username":"erin"}}]}`, true},
		{`{"all":[{"field":{"username":"x"}},{"field":{"username":"erin"}}]}`, false},
		{`{"all":[{"field":{"groups":"staff"}},{"except":{"field":{"username":"bob"}}}]}`, true},
		{`{"all":[{"field":{"groups":"staff"}},{"except":{"field":{"username":"erin"}}}]}`, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			rule, err := parsed(t, c.rule)
			if err != nil {
				t.Fatal(err)
			}
			m := newModel(erin, work.New(t.Context(), maxWork, ErrTooMuchWork))
			if got, err := rule.matches(m); got != c.want || err != nil {
				t.Errorf("got %t, %v", got, err)
			}
		})
	}

	t.Run("without a distinguished name", func(t *testing.T) {
		rule, err := parsed(t, `{"field":{"dn":null}}`)
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(User{Name: "bob"}, work.New(t.Context(), maxWork, ErrTooMuchWork))
		if got, err := rule.matches(m); !got || err != nil {
			t.Errorf("got %t, %v", got, err)
		}
	})
}

// Ensures that an escaped comma does not put a group of one directory below another.
func TestRule_EscapedComma(t *testing.T) {
	rule, err := parsed(t, `{"field":{"groups":"*,ou=groups,dc=other"}}`)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(User{Groups: []string{`cn=a\,ou=groups,dc=other`}}, work.New(t.Context(), maxWork, ErrTooMuchWork))
	if got, err := rule.matches(m); got || err != nil {
		t.Errorf("got %t, %v", got, err)
	}
}

// Ensures that a user with very many groups does not keep the server busy.
func TestRule_Work(t *testing.T) {
	var values, groups []string
	for i := range 2_000 {
		values = append(values, fmt.Sprintf(`"a*%d"`, i))
		groups = append(groups, fmt.Sprintf("group %d", i))
	}
	rule, err := parsed(t, `{"field":{"groups":[`+strings.Join(values, ",")+`]}}`)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(User{Groups: groups}, work.New(t.Context(), maxWork, ErrTooMuchWork))
	if _, err := rule.matches(m); !errors.Is(err, ErrTooMuchWork) {
		t.Errorf("got %v", err)
	}
}
