package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// refusedBody is a body, ID standing for a key of bob's, with how it is refused.
type refusedBody struct{ body, want string }

// refusesAll fails the test unless an operation refuses each body, and nothing is written.
func (w *world) refusesAll(method, path, id string, bodies []refusedBody, editors ...client.RequestEditorFn) {
	w.Helper()
	for _, c := range bodies {
		w.refuses(method, strings.ReplaceAll(path, "ID", id), strings.ReplaceAll(c.body, "ID", id), c.want, editors...)
	}
}

// ofKeys are refused wherever keys are made or changed. P stands for the parser, and START for the members that have to
// be there, with a comma behind them.
var ofKeys = []refusedBody{
	{`[]`, xpe("[P] Expected START_OBJECT but was: START_ARRAY")},
	{`null`, xpe("[P] Expected START_OBJECT but was: VALUE_NULL")},
	{`"x"`, xpe("[P] Expected START_OBJECT but was: VALUE_STRING")},
	{`{START"foo":1}`, xpe("[P] unknown field [foo]")},
	{`{START"metadata":{},"metadata":{}}`, xpe("Duplicate field 'metadata'")},
	{`{START"role_descriptors":null}`, xpe("[P] role_descriptors doesn't support values of type: VALUE_NULL")},
	{`{START"role_descriptors":"x"}`, xpe("[P] role_descriptors doesn't support values of type: VALUE_STRING")},
	{`{START"role_descriptors":[{}]}`, within(xcontentParse, "P", "role_descriptors", illegalArgument+": …arrays…")},
	{`{START"metadata":null}`, xpe("[P] metadata doesn't support values of type: VALUE_NULL")},
	{`{START"metadata":[]}`, xpe("[P] metadata doesn't support values of type: START_ARRAY")},
	{`{START"metadata":{"_a":1}}`, arv("API key metadata keys may not start with [_]")},
	{`{START"expiration":null}`, xpe("[P] expiration doesn't support values of type: VALUE_NULL")},
	{`{START"expiration":1}`, xpe("[P] expiration doesn't support values of type: VALUE_NUMBER")},
	{`{START"expiration":"1w"}`, expirationInvalid("P", noUnit("1w"))},
	{`{START"expiration":"1.5d"}`,
		expirationInvalid("P", "failed to parse [1.5d], fractional time values are not supported")},
	{`{START"expiration":"-2d"}`, expirationInvalid("P", "…negative durations are not supported")},
	{`{START"expiration":"xd"}`, expirationInvalid("P", "failed to parse [xd]")},
	{`{START"metadata":{"_a":1},"role_descriptors":{"x":{"cluster":["no_such"]}}}`,
		arv("API key metadata keys may not start with [_]", "unknown cluster privilege [no_such]. …")},
	{`{START"role_descriptors":{"a":{"restriction":{"workflows":["search_application_query"]}},"b":{}}}`,
		iae("combining role descriptors with and without restriction is not supported")},
	{`{START"role_descriptors":{"a":{"restriction":{"workflows":["search_application_query"]}},"b":{"restriction":{"workflows":["search_application_query"]}}}}`,
		iae("more than one role descriptor with restriction is not supported")},
}

// of returns these for a parser.
func of(parser, start string) []refusedBody {
	var bodies []refusedBody
	for _, c := range ofKeys {
		bodies = append(bodies,
			refusedBody{strings.ReplaceAll(c.body, "START", start), strings.ReplaceAll(c.want, "[P]", "["+parser+"]")})
	}
	return bodies
}

// Ensures that creation refuses what Elasticsearch does, and makes no key.
func TestRefused_Create(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		w.refusesAll(method, keysURL, "", of("api_key_request", `"name":"n",`), bob)
		w.refusesAll(method, keysURL, "", []refusedBody{
			{``, pe("request body is required")},
			{`{}`, iae("Required [name]")},
			{`{"name":""}`, arv("api key name is required")},
			{`{"name":null}`, xpe("[api_key_request] name doesn't support values of type: VALUE_NULL")},
			{`{"name":1}`, xpe("[api_key_request] name doesn't support values of type: VALUE_NUMBER")},
			{`{"name":"` + strings.Repeat("x", 257) + `"}`, arv("api key name may not be more than 256 characters long")},
			{`{"name":" x"}`, arv("api key name may not begin or end with whitespace")},
			{`{"name":"x "}`, arv("api key name may not begin or end with whitespace")},
			{`{"name":"_x"}`, arv("api key name may not begin with an underscore")},
			{`{"metadata":{"_a":1}}`, iae("Required [name]")},
			{`{"name":"","metadata":{"_a":1}}`, arv("api key name is required", "API key metadata keys may not start with [_]")},
		}, bob)
		w.refuses(method, keysURL+"?refresh=maybe", `{"name":"x"}`,
			"400 illegal_argument_exception: … | illegal_argument_exception", bob)
		w.refuses(method, keysURL+"?foo=1", `{"name":"x"}`,
			iae("request ["+keysURL+"] contains unrecognized parameter: [foo]"), bob)
	}

	_, key := w.newKeyOf(bob, `{"name":"parent"}`)
	const derived = "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)"
	for _, body := range []string{`{"name":"n"}`, `{"name":"n","role_descriptors":{}}`,
		`{"name":"n","role_descriptors":{"x":{"cluster":["monitor"]}}}`,
		`{"name":"n","role_descriptors":{"x":{},"y":{"run_as":["a"]}}}`} {
		w.refuses(http.MethodPost, keysURL, body, iae(derived), apiKey(key))
	}
}

// Ensures that an update of one key refuses what a bulk update does, and with a status of its own what that tells of
// one key.
func TestRefused_Update(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r := w.newRing(1)
	w.refusesAll(http.MethodPut, keysURL+"/ID", r.own[0], of("update_api_key_request", ""), carol)
	w.refusesAll(http.MethodPut, keysURL+"/ID", r.own[0], []refusedBody{
		{`{"ids":["ID"]}`, xpe("[update_api_key_request] unknown field [ids]")},
		{`{"name":"x"}`, xpe("[update_api_key_request] unknown field [name]")},
		{`{"expiration":"0"}`, arv("API key expiration must be in the future")},
		{`{"expiration":"-1"}`, arv("API key expiration must be in the future")},
	}, carol)

	for id, why := range r.whys {
		if len(id) == 0 || strings.ContainsAny(id, " \n\"ü") {
			continue
		}
		status, kind := "400 ", illegalArgument
		if strings.HasPrefix(why, resourceNotFound) {
			status, kind = "404 ", resourceNotFound
		}
		w.refuses(http.MethodPut, keysURL+"/"+id, `{"metadata":{"a":1}}`, status+why+" | "+kind, carol)
		w.refuses(http.MethodPut, keysURL+"/"+id, ``, status+why+" | "+kind, carol)
	}

	_, key := w.newKeyOf(carol, `{"name":"k"}`)
	w.refuses(http.MethodPut, keysURL+"/"+r.own[0], `{}`, iae(onlyOwners), apiKey(key))
	unprivileged := w.newPrivileged("dave", "monitor")
	w.refuses(http.MethodPut, keysURL+"/"+r.own[0], `{}`,
		se(strings.Replace(bulkAction, "bulk_", "", 1), "user [dave] with effective roles [of_dave]", bulkGranters),
		unprivileged)
}

// Ensures that invalidation refuses what Elasticsearch does, and ends no key.
func TestRefused_Invalidate(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"k"}`)
	const parser = "invalidate_api_key"
	const byUser = "username or realm name must not be specified when the api key id(s) or api key name are specified"
	const ownedByUser = "neither username nor realm-name may be specified when invalidating owned API keys"
	const both = "only one of [api key id(s), api key name] can be specified"
	w.refusesAll(http.MethodDelete, keysURL, id, []refusedBody{
		{``, pe("request body is required")},
		{`[]`, xpe("[invalidate_api_key] Expected START_OBJECT but was: START_ARRAY")},
		{`{"id":"ID"}`, xpe("[invalidate_api_key] unknown field [id]…")},
		{`{"ids":"ID","foo":1}`, xpe("[invalidate_api_key] unknown field [foo]")},
		{`{"ids":null}`, xpe("[invalidate_api_key] ids doesn't support values of type: VALUE_NULL")},
		{`{"ids":1}`, xpe("[invalidate_api_key] ids doesn't support values of type: VALUE_NUMBER")},
		{`{"ids":["ID",null]}`, within(xcontentParse, parser, "ids", illegalArgument+": …")},
		{`{"name":1}`, xpe("[invalidate_api_key] name doesn't support values of type: VALUE_NUMBER")},
		{`{"username":["bob"]}`, xpe("[invalidate_api_key] username doesn't support values of type: START_ARRAY")},
		{`{"realm_name":{}}`, xpe("[invalidate_api_key] realm_name doesn't support values of type: START_OBJECT")},
		{`{"owner":1}`, xpe("[invalidate_api_key] owner doesn't support values of type: VALUE_NUMBER")},
		{`{"owner":"yes"}`,
			within(xcontentParse, parser, "owner",
				illegalArgument+": Failed to parse value [yes] as only [true] or [false] are allowed.")},
		{`{"ids":[]}`, arv("Field [ids] cannot be an empty array")},
		{`{"ids":[""]}`, arv("Field [ids] must not contain blank id, but got blank id at index position: [0]")},
		{`{"ids":["ID"," "]}`, arv("Field [ids] must not contain blank id, but got blank id at index position: [1]")},
		{`{}`, arv("One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false")},
		{`{"owner":false}`,
			arv("One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false")},
		{`{"ids":"ID","username":"bob"}`, arv(byUser)},
		{`{"name":"k","realm_name":"default_native"}`, arv(byUser)},
		{`{"owner":true,"username":"bob"}`, arv(ownedByUser)},
		{`{"owner":true,"realm_name":"default_native"}`, arv(ownedByUser)},
		{`{"ids":"ID","name":"k"}`, arv(both)},
	}, bob)

	own := w.newPrivileged("carol", "manage_own_api_key")
	mine, key := w.newKeyOf(own, `{"name":"mine"}`)
	other, _ := w.newKeyOf(own, `{"name":"other"}`)
	const action = "cluster:admin/xpack/security/api_key/invalidate"
	const wider = "this action is granted by the cluster privileges [manage_api_key,manage_security,all]"
	for _, body := range []string{`{"ids":"` + mine + `"}`, `{"name":"mine"}`, `{"username":"carol"}`,
		`{"realm_name":"default_native"}`, `{"username":"bob","realm_name":"default_native"}`} {
		w.refuses(http.MethodDelete, keysURL, body, se(action, "user [carol] with effective roles [of_carol]", wider), own)
	}

	for _, body := range []string{`{"ids":"` + other + `"}`, `{"ids":["` + mine + `","` + other + `"]}`,
		`{"owner":true}`} {
		w.refuses(http.MethodDelete, keysURL, body, se(action, "API key id ["+mine+"] of user [carol]", "…"), apiKey(key))
	}
}

// Ensures that keys are not shown for what Elasticsearch refuses to look for.
func TestRefused_Get(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"k"}`)
	const byUser = "username or realm name must not be specified when the api key id or api key name is specified"
	const ownedByUser = "neither username nor realm-name may be specified when retrieving owned API keys"
	for query, want := range map[string]string{
		"id=ID&username=bob":      arv(byUser),
		"name=k&realm_name=r":     arv(byUser),
		"owner=true&username=bob": arv(ownedByUser),
		"owner&realm_name=r":      arv(ownedByUser),
		"id=ID&name=k":            arv("only one of [api key id, api key name] can be specified"),
		"owner=maybe":             "400 illegal_argument_exception: … | illegal_argument_exception",
		"with_limited_by=1":       "400 illegal_argument_exception: … | illegal_argument_exception",
		"foo=1":                   iae("request [" + keysURL + "] contains unrecognized parameter: [foo]"),
		"foo=1&bar": "400 illegal_argument_exception: request [" + keysURL +
			"] contains unrecognized parameters: …[bar]…[foo]… | illegal_argument_exception",
	} {
		w.refuses(http.MethodGet, keysURL+"?"+strings.ReplaceAll(query, "ID", id), "", want, bob)
	}

	if response, text := w.do(http.MethodGet, keysURL+"?id=none", "", bob); response.StatusCode != http.StatusNotFound ||
		strings.TrimSpace(text) != `{"api_keys":[]}` {
		t.Errorf("%d %s", response.StatusCode, text)
	}
}

// Ensures that grants refuse what Elasticsearch does, and make no key.
func TestRefused_Grant(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.newPrivileged("carol", "manage_own_api_key")
	const parser = "grant_api_key_request"
	const target = `"grant_type":"password","username":"carol","password":"carol's own passphrase"`
	const key = `"api_key":{"name":"n"}`
	inKey := func(cause string) string { return within(xcontentParse, parser, "api_key", cause) }
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		w.refusesAll(method, grantURL, "", []refusedBody{
			{``, pe("request body is required")},
			{`[]`, xpe("[grant_api_key_request] Expected START_OBJECT but was: START_ARRAY")},
			{`{` + target + `,` + key + `,"foo":1}`, xpe("[grant_api_key_request] unknown field [foo]")},
			{`{"grant_type":1,` + key + `}`,
				xpe("[grant_api_key_request] grant_type doesn't support values of type: VALUE_NUMBER")},
			{`{"grant_type":null,` + key + `}`,
				xpe("[grant_api_key_request] grant_type doesn't support values of type: VALUE_NULL")},
			{`{` + key + `}`, arv("[grant_type] is required")},
			{`{"grant_type":"saml",` + key + `}`, arv("grant_type [saml] is not supported")},
			{`{"grant_type":"password",` + key + `}`,
				arv("[username] is required for grant_type [password]", "[password] is required for grant_type [password]")},
			{`{"grant_type":"password","username":"carol",` + key + `}`,
				arv("[password] is required for grant_type [password]")},
			{`{` + target + `,"access_token":"t",` + key + `}`,
				arv("[access_token] is not supported for grant_type [password]")},
			{`{"grant_type":"access_token",` + key + `}`, arv("[access_token] is required for grant_type [access_token]")},
			{`{"grant_type":"access_token","access_token":"t","username":"carol",` + key + `}`,
				arv("[username] is not supported for grant_type [access_token]")},
			{`{` + target + `}`, arv("api key name is required")},
			{`{` + target + `,"api_key":{}}`, arv("api key name is required")},
			{`{` + target + `,"api_key":null}`,
				inKey(xcontentParse + ": @ [api_key_request] Expected START_OBJECT but was: VALUE_NULL")},
			{`{` + target + `,"api_key":{"name":"n","foo":1}}`,
				inKey(xcontentParse + ": @ [api_key_request] unknown field [foo]")},
			{`{` + target + `,"api_key":{"name":"n","metadata":{"_a":1}}}`, arv("API key metadata keys may not start with [_]")},
			{`{` + target + `,"api_key":{"name":"n","role_descriptors":{"x":{"cluster":["no_such"]}}}}`,
				arv("unknown cluster privilege [no_such]. …")},
			{`{` + target + `,"api_key":{"name":"n","expiration":"1w"}}`,
				"400 x_content_parse_exception: …Failed to build [api_key_request] after last required field arrived <- " +
					"illegal_argument_exception: " + noUnit("1w") + " | x_content_parse_exception"},
			{`{"grant_type":"access_token","access_token":"t","client_authentication":{"value":"v"},` + key + `}`,
				"400 security_exception: [client_authentication] not supported with the supplied access_token type | " +
					"security_exception"},
			{`{"grant_type":"access_token","access_token":"t","client_authentication":{},` + key + `}`,
				"400 …Required [value]…"},
			{`{"grant_type":"password","username":"carol","password":"wrong",` + key + `}`,
				"403 security_exception: Failed to authenticate api key grant | security_exception"},
			{`{"grant_type":"password","username":"unknown","password":"wrong",` + key + `}`,
				"403 security_exception: Failed to authenticate api key grant | security_exception"},
			{`{"grant_type":"access_token","access_token":"t",` + key + `}`,
				"403 security_exception: Failed to authenticate api key grant | security_exception"},
			{`{` + target + `,"run_as":"bob",` + key + `}`,
				se("cluster:admin/xpack/security/user/authenticate", "user [carol] with effective roles [of_carol]",
					"because user [carol] is unauthorized to run as [bob]")},
		}, bob)
	}

	w.refuses(http.MethodPost, grantURL, `{`+target+`,`+key+`}`,
		se("cluster:admin/xpack/security/api_key/grant", "user [carol] with effective roles [of_carol]",
			"this action is granted by the cluster privileges [grant_api_key,manage_api_key,manage_security,all]"), carol)
}
