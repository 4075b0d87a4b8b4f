package contract

import (
	"strings"
	"testing"
)

func TestParse_Deprecation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ members, since, sunset, err string }{
		"none":            {"", "", "", ""},
		"not deprecated":  {"deprecated: false", "", "", ""},
		"without removal": {`deprecated: true, x-deprecated-since: "2026-12-01"`, "@1796083200", "", ""},
		"with removal": {`deprecated: true, x-deprecated-since: "2026-12-01", x-sunset: "2027-06-01"`, "@1796083200",
			"Tue, 01 Jun 2027 00:00:00 GMT", ""},
		"no date":           {"deprecated: true", "", "", "x-deprecated-since is <nil>; it must be a date"},
		"a date with time":  {`deprecated: true, x-deprecated-since: "2026-12-01T00:00:00Z"`, "", "", "it must be a date"},
		"a number":          {"deprecated: true, x-deprecated-since: 2026", "", "", "x-deprecated-since is 2026"},
		"no day":            {`deprecated: true, x-deprecated-since: "2026-12-01", x-sunset: "2027-06-31"`, "", "", "x-sunset is 2027"},
		"removed before":    {`deprecated: true, x-deprecated-since: "2026-12-01", x-sunset: "2026-12-01"`, "", "", "must be after"},
		"a date alone":      {`x-deprecated-since: "2026-12-01"`, "", "", "need deprecated: true"},
		"a removal alone":   {`x-sunset: "2026-12-01"`, "", "", "need deprecated: true"},
		"deprecated is not": {`deprecated: false, x-sunset: "2026-12-01"`, "", "", "need deprecated: true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operation := "{operationId: get-x, responses: {'204': {description: none}}"
			if test.members != "" {
				operation += ", " + test.members
			}
			operation += "}"
			c, err := Parse([]byte(`{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {/x: {get: ` + operation + `}}}`))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), "operation get-x: ") || !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v; want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := c.Operation("get-x").Deprecation
			if got == nil {
				got = &Deprecation{}
			}
			if got.Since != test.since || got.Sunset != test.sunset {
				t.Errorf("it is %+v; want %q and %q", got, test.since, test.sunset)
			}
		})
	}
}
