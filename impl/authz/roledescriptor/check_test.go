package roledescriptor

import "testing"

// Ensures that a question about privileges has the parts of a descriptor that it can have, and no limits.
func TestParseCheck(t *testing.T) {
	for _, given := range []string{
		`{"cluster":null}`, `{"cluster":["all"]}`,
		`{"index":[{"names":"a","privileges":["read"],"query":"","field_security":{"grant":["*"]}}]}`,
		`{"application":[{"application":"shop","privileges":"read","resources":["*"]}]}`,
		`{"applications":[]}`,
	} {
		if _, err := ParseCheck("x", decode(t, given)); err != nil {
			t.Errorf("%s: %v", given, err)
		}
	}

	const check = "failed to parse privileges check [x]. "
	const index = `{"index":[{"names":"a","privileges":["read"],`
	for _, c := range []struct{ given, kind, reason string }{
		{`null`, pe, check + "expected an object but found [VALUE_NULL] instead"},
		{`{"indices":[]}`, pe, check + "unexpected field [indices]"},
		{`{"run_as":["a"]}`, pe, check + "unexpected field [run_as]"},
		{`{"cluster":[null]}`, pe, unreadRole + "could not parse [cluster] " + inArray + "[VALUE_NULL]"},
		{`{"index":[{"names":"a","privileges":[]}]}`, iae, "indices privileges must define at least one privilege"},
		{`{"application":[{"privileges":["p"],"resources":["*"]}]}`, iae,
			"application privileges must have an application name"},
		{index + `"field_security":{"grant":["a"]}}]}`, pe,
			"Field [field_security] is not supported in a has_privileges request"},
		{index + `"field_security":{"grant":["*"],"except":["a"]}}]}`, pe,
			"Field [field_security] is not supported in a has_privileges request"},
		{index + `"query":{"match_all":{}}}]}`, pe, "Field [query] is not supported in a has_privileges request"},
	} {
		_, err := ParseCheck("x", decode(t, c.given))
		wantError(t, c.given, err, c.kind, c.reason)
	}
}
