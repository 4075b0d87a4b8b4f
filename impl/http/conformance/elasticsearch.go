package conformance

import (
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/impl/http/contract"
)

// unauthenticatedPage is where Elasticsearch's documentation says how a request without credentials is refused.
const unauthenticatedPage = "https://www.elastic.co/guide/en/elasticsearch/reference/8.19/http-clients.html"

// withoutCredentials returns the case that an operation refuses callers without credentials.
func withoutCredentials(op *contract.Operation) Case {
	c := Case{
		Operation: op.ID,
		Name:      "without-credentials",
		Writes:    op.Method != http.MethodGet && op.Method != http.MethodHead,
		check: func(p *probe) {
			r := p.call(op.ID, request{as: nothing})
			switch {
			case op.Method == http.MethodHead:
				r.is(http.StatusUnauthorized)
			case p.family == ECE:
				r.fails(http.StatusUnauthorized)
			default:
				r.fails(http.StatusUnauthorized, "security_exception")
			}
			if p.family == Elasticsearch && r.header.Get("WWW-Authenticate") == "" {
				p.differs("%s: there is no header WWW-Authenticate", r.place())
			}
		},
	}
	if FamilyOf(op.Path) == Elasticsearch {
		c.Page = unauthenticatedPage
	}
	return c
}

// reads returns a case in which an operation that changes nothing succeeds.
func reads(operation, name string, r request) Case {
	return Case{
		Operation: operation,
		Name:      name,
		check:     func(p *probe) { p.call(operation, r).is(http.StatusOK) },
	}
}

// twins returns a case for each of two operations that are the same, except for their method.
func twins(first, second string, c func(operation string) Case) []Case {
	return []Case{c(first), c(second)}
}

// elasticsearchCases are the cases of Elasticsearch's operations.
var elasticsearchCases = collect(
	clusterCases, callerCases, keyCases, crossClusterCases, queryCases, userCases, roleCases, mappingCases,
	privilegeCases, tokenCases, serviceCases, profileCases, cacheCases,
)

func collect(lists ...[]Case) (all []Case) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

var clusterCases = []Case{
	{Operation: "info", Name: "describes", check: func(p *probe) {
		r := p.call("info", request{}).is(http.StatusOK)
		if number := r.text("/version/number"); !strings.HasPrefix(number, p.version+".") {
			p.differs("%s: \"/version/number\" is not one of %s", r.place(), p.version)
		}
	}},
	{Operation: "ping", Name: "answers", check: func(p *probe) { p.call("ping", request{}).is(http.StatusOK) }},
	reads("cluster-health", "reports", request{}),
}

var callerCases = collect(
	[]Case{
		{Operation: "security-authenticate", Name: "describes-user", check: func(p *probe) {
			if p.options.APIKey != "" {
				p.skip("the credentials are an API key")
			}
			p.call("security-authenticate", request{}).is(http.StatusOK).equal("/username", p.options.Username).
				equal("/authentication_type", "realm").equal("/enabled", true)
		}},
		{Operation: "security-authenticate", Name: "describes-key", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), nil)
			p.call("security-authenticate", request{as: apiKey(k.encoded)}).is(http.StatusOK).
				equal("/authentication_type", "api_key").equal("/api_key/id", k.id).equal("/api_key/name", k.name)
		}},
		reads("security-get-user-privileges", "lists", request{}),
	},
	twins("security-has-privileges", "security-has-privileges-get", func(operation string) Case {
		return Case{Operation: operation, Name: "compares", check: func(p *probe) {
			p.call(operation, request{body: object{
				"cluster": []string{"monitor"},
				"index":   []any{object{"names": []string{"a"}, "privileges": []string{"read"}}},
				"application": []any{object{
					"application": "conformance", "privileges": []string{"data:read/*"}, "resources": []string{"r"},
				}},
			}}).is(http.StatusOK)
		}}
	}),
	twins("security-has-user-privileges", "security-has-user-privileges-get", func(operation string) Case {
		return Case{Operation: operation, Name: "compares", check: func(p *probe) {
			r := p.call("security-authenticate", request{}).is(http.StatusOK)
			name := r.text("/username")
			p.call(operation, request{path: []string{name}, body: object{"cluster": []string{"monitor"}}}).
				is(http.StatusOK).equal("/username", name)
		}}
	}),
	twins("security-has-privileges", "security-has-privileges-get", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-no-body", check: func(p *probe) {
			p.call(operation, request{}).fails(http.StatusBadRequest)
		}}
	}),
)

// clears returns a case in which a cache is cleared.
func clears(operation string, path ...string) Case {
	return Case{Operation: operation, Name: "clears", Writes: true, check: func(p *probe) {
		p.call(operation, request{path: path}).is(http.StatusOK).equal("/_nodes/failed", 0)
	}}
}

var cacheCases = []Case{
	clears("security-clear-api-key-cache", "*"),
	clears("security-clear-role-cache", "*"),
	clears("security-clear-privilege-cache", "*"),
	clears("security-clear-realm-cache", "*"),
	clears("security-clear-service-token-cache", "elastic", "fleet-server", "*"),
}
