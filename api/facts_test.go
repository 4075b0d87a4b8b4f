package api_test

import (
	_ "embed"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// published is what ECE publishes about the operations below its base path that the contract has. An operation that
// joins the contract joins it too, or is excused below.
//
//go:embed ece-facts.json
var published []byte

// exception is a difference that is meant, word for word as the comparison reports it.
type exception struct{ difference, reason string }

// deliberate are all the differences that are meant.
var deliberate = []exception{
	{
		"PATCH /account: body: at ECE required string, here required AccountPatchRequest",
		"clients send the patch as an object as well as a string that contains it; both are taken",
	},
	{
		"PATCH /user: body: at ECE required string, here required UserPatchRequest",
		"clients send the patch as an object as well as a string that contains it; both are taken",
	},
	{
		"PATCH /users/{user_name}: body: at ECE required string, here required UserPatchRequest",
		"clients send the patch as an object as well as a string that contains it; both are taken",
	},
	{
		"ElevatePermissionsRequest.token: at ECE required, here optional",
		"a body without a code is answered like a wrong code, as no body is: authc.invalid_token",
	},
	{
		"ElevatePermissionsRequest.token: at ECE string, here string or null",
		"null is no code either",
	},
	{
		"CreateUserSecurity.password: at ECE string, here string(password)",
		"the format does not change the value; it lets tools hide what is typed",
	},
	{
		"CreateUserRequest.metadata: at ECE UserMetadata, here KeptByServer",
		"it is refused whatever it is, except for null",
	},
	{
		"CreateUserSecurity.elevated_permissions: at ECE ElevatedPermissions, here KeptByServer",
		"it is refused whatever it is, except for null",
	},
	{
		"CreateUserSecurity.security_realm: at ECE UserSecurityRealm, here KeptByServer",
		"it is refused whatever it is, except for null",
	},
	{
		"UserSecurity.password: at ECE string, here string(password)",
		"the format does not change the value; it lets tools hide what is typed",
	},
	{
		"LoginRequest.password: at ECE string, here string(password)",
		"the format does not change the value; it lets tools hide what is typed",
	},
}

func loadFacts(t *testing.T) facts {
	t.Helper()
	var f facts
	if err := strictly(published, &f); err != nil {
		t.Fatalf("the facts cannot be read: %v", err)
	}
	return f
}

// judge returns the differences that no exception excuses, and the exceptions that are not in order.
func judge(differences []string, exceptions []exception) []string {
	rest := slices.Clone(differences)
	var complaints []string
	for _, e := range exceptions {
		at := slices.Index(rest, e.difference)
		if at < 0 {
			complaints = append(complaints, "the exception matches no difference: "+e.difference)
			continue
		}
		if e.reason == "" {
			complaints = append(complaints, "the exception has no reason: "+e.difference)
		}
		rest = slices.Delete(rest, at, at+1)
	}
	return append(complaints, rest...)
}

// Ensures that the contract has everything that ECE declares for the operations they share, and demands no more of a
// client, but for the differences that are meant.
func TestFacts(t *testing.T) {
	for _, complaint := range judge(compare(loadFacts(t), load(t)), deliberate) {
		t.Error(complaint)
	}
}

// Ensures that a difference needs exactly one exception, and an exception a difference and a reason.
func TestFacts_Exceptions(t *testing.T) {
	for _, c := range []struct {
		name        string
		differences []string
		exceptions  []exception
		want        []string
	}{
		{"excused", []string{"x"}, []exception{{"x", "r"}}, nil},
		{"not excused", []string{"x"}, nil, []string{"x"}},
		{"stale", nil, []exception{{"x", "r"}}, []string{"the exception matches no difference: x"}},
		{"twice", []string{"x"}, []exception{{"x", "r"}, {"x", "r"}},
			[]string{"the exception matches no difference: x"}},
		{"without a reason", []string{"x"}, []exception{{"x", ""}}, []string{"the exception has no reason: x"}},
	} {
		if got := judge(c.differences, c.exceptions); !slices.Equal(got, c.want) {
			t.Errorf("%s: complaints %q, want %q", c.name, got, c.want)
		}
	}
}

// Ensures that the comparison notices each kind of difference, says where it is, and says no more.
func TestFacts_NotVacuous(t *testing.T) {
	const account, keys = "GET /api/v1/account", "/api/v1/users/auth/keys"
	for _, c := range []struct {
		name   string
		change func(*facts, *openapi3.T)
		want   []string
	}{
		// Operations.
		{"no operation", func(_ *facts, d *openapi3.T) { d.Paths.Value("/api/v1/account").Get = nil }, []string{
			"GET /account: at ECE declared, here missing",
		}},
		{"no path", func(_ *facts, d *openapi3.T) { d.Paths.Delete("/api/v1/users/auth/methods") }, []string{
			"GET /users/auth/methods: at ECE declared, here missing",
		}},
		{"no facts", func(f *facts, _ *openapi3.T) { delete(f.Operations, "GET /account") }, []string{
			"GET /account: at ECE missing, here declared",
		}},
		{"another operationId", func(_ *facts, d *openapi3.T) { find(d, account).OperationID = "account" }, []string{
			"GET /account: operationId: at ECE get-current-account, here account",
		}},

		// Parameters; those of a path are those of two operations.
		{"no parameter", func(_ *facts, d *openapi3.T) {
			d.Paths.Value(keys + "/{api_key_id}").Parameters = nil
		}, []string{
			"DELETE /users/auth/keys/{api_key_id}: parameter api_key_id: at ECE required string in path, here missing",
			"GET /users/auth/keys/{api_key_id}: parameter api_key_id: at ECE required string in path, here missing",
		}},
		{"optional parameter", changeKeyID(func(p *openapi3.Parameter) { p.Required = false }),
			keyID("optional string in path")},
		{"parameter elsewhere", changeKeyID(func(p *openapi3.Parameter) { p.In = "query" }),
			keyID("required string in query")},
		{"parameter of another type", changeKeyID(func(p *openapi3.Parameter) {
			p.Schema = openapi3.NewIntegerSchema().NewRef()
		}), keyID("required integer in path")},
		{"parameter with a default", changeKeyID(func(p *openapi3.Parameter) {
			p.Schema = openapi3.NewStringSchema().WithDefault("x").NewRef()
		}), keyID("required string in path, by default x")},
		{"one more parameter", func(_ *facts, d *openapi3.T) {
			optional := openapi3.NewQueryParameter("page").WithSchema(openapi3.NewStringSchema())
			required := openapi3.NewQueryParameter("size").WithSchema(openapi3.NewStringSchema()).WithRequired(true)
			find(d, account).Parameters = openapi3.Parameters{{Value: optional}, {Value: required}}
		}, []string{"GET /account: parameter size: at ECE missing, here required string in query"}},

		// Bodies.
		{"no body", func(_ *facts, d *openapi3.T) { find(d, "PUT /api/v1/account").RequestBody = nil }, []string{
			"PUT /account: body: at ECE required AccountUpdateRequest, here none",
		}},
		{"a body", func(_ *facts, d *openapi3.T) {
			find(d, account).RequestBody = find(d, "PUT /api/v1/account").RequestBody
		}, []string{"GET /account: body: at ECE none, here required AccountUpdateRequest"}},
		{"optional body", func(_ *facts, d *openapi3.T) {
			find(d, "PUT /api/v1/account").RequestBody.Value.Required = false
		}, []string{"PUT /account: body: at ECE required AccountUpdateRequest, here optional AccountUpdateRequest"}},
		{"another body", func(_ *facts, d *openapi3.T) {
			find(d, "PUT /api/v1/account").RequestBody.Value.Content[jsonBody].Schema = refTo(d, "LoginState")
		}, []string{"PUT /account: body: at ECE required AccountUpdateRequest, here required LoginState"}},

		// Responses.
		{"no status", func(_ *facts, d *openapi3.T) { find(d, account).Responses.Delete("404") }, []string{
			"GET /account: status 404: at ECE declared, here missing",
		}},
		{"another response", func(_ *facts, d *openapi3.T) {
			find(d, account).Responses.Value("404").Value.Content[jsonBody].Schema = refTo(d, "EmptyResponse")
		}, []string{
			"GET /account: status 404: at ECE BasicFailedReply, here EmptyResponse",
			"PATCH /account: status 404: at ECE BasicFailedReply, here EmptyResponse",
			"PUT /account: status 404: at ECE BasicFailedReply, here EmptyResponse",
		}},
		{"no JSON", func(_ *facts, d *openapi3.T) {
			find(d, "GET /api/v1/users/auth").Responses.Value("200").Value.Content = nil
		}, []string{"GET /users/auth: status 200: at ECE AuthenticationInfo, here neither JSON nor a form"}},
		{"no code", func(_ *facts, d *openapi3.T) {
			codes := find(d, "POST "+keys).Responses.Value("400").Value.Headers[errorHeader].Value.Schema.Value
			codes.Enum = slices.DeleteFunc(codes.Enum, func(code any) bool { return code == "api_keys.invalid_input" })
		}, []string{"POST /users/auth/keys: status 400: code api_keys.invalid_input: at ECE declared, here missing"}},
		{"no codes", func(_ *facts, d *openapi3.T) {
			delete(find(d, "POST "+keys).Responses.Value("400").Value.Headers, errorHeader)
		}, []string{"POST /users/auth/keys: status 400: code api_keys.invalid_input: at ECE declared, here missing"}},

		// Schemas.
		{"no schema", func(_ *facts, d *openapi3.T) { delete(d.Components.Schemas, "TokenResponse") }, []string{
			"TokenResponse: at ECE declared, here missing",
		}},
		{"no facts about a response", func(f *facts, _ *openapi3.T) { delete(f.Schemas, "TokenResponse") }, []string{
			"TokenResponse: at ECE named but not described, here unknown",
		}},
		{"no facts about a property", func(f *facts, _ *openapi3.T) {
			delete(f.Schemas, "BasicFailedReplyElement")
		}, []string{"BasicFailedReplyElement: at ECE named but not described, here unknown"}},
		{"no facts about a body", func(f *facts, _ *openapi3.T) { delete(f.Schemas, "AccountUpdateRequest") }, []string{
			"AccountUpdateRequest: at ECE named but not described, here unknown",
		}},
		{"schema of another type", change("EmptyResponse", func(s *openapi3.Schema) {
			s.Type = &openapi3.Types{"array"}
		}), []string{"EmptyResponse: at ECE object, here array"}},
		{"no property", change("ApiKeyResponse", func(s *openapi3.Schema) { delete(s.Properties, "key") }), []string{
			"ApiKeyResponse.key: at ECE string, here missing",
		}},
		{"property of another type", changeProperty("ApiKeyResponse", "key", func(s *openapi3.Schema) {
			s.Type = &openapi3.Types{"integer"}
		}), []string{"ApiKeyResponse.key: at ECE string, here integer"}},
		{"property that may be null", changeProperty("ApiKeyResponse", "key", func(s *openapi3.Schema) {
			s.Nullable = true
		}), []string{"ApiKeyResponse.key: at ECE string, here string or null"}},
		{"required property of a request that may be null", changeProperty("CreateApiKeyRequest", "description",
			func(s *openapi3.Schema) { s.Nullable = true },
		), []string{"CreateApiKeyRequest.description: at ECE string, here string or null"}},
		{"property of a request of its own of another type", changeProperty("CreateUserRequest", "email",
			func(s *openapi3.Schema) { s.Type = &openapi3.Types{"integer"} },
		), []string{"CreateUserRequest.email: at ECE string, here integer"}},
		{"property of a request of its own that must be there", change("CreateUserRequest", func(s *openapi3.Schema) {
			s.Required = append(s.Required, "email")
		}), []string{"CreateUserRequest.email: at ECE optional, here required"}},
		{"no format", changeProperty("TokenResponse", "session_expiration_time", func(s *openapi3.Schema) {
			s.Format = ""
		}), []string{"TokenResponse.session_expiration_time: at ECE string(date-time), here string"}},
		{"other elements", changeProperty("DeleteApiKeysRequest", "keys", func(s *openapi3.Schema) {
			s.Items = openapi3.NewIntegerSchema().NewRef()
		}), []string{"DeleteApiKeysRequest.keys: at ECE array[string], here array[integer]"}},
		{"another schema's elements", func(_ *facts, d *openapi3.T) {
			d.Components.Schemas["ApiKeysResponse"].Value.Properties["keys"].Value.Items = refTo(d, "UserApiKey")
		}, []string{"ApiKeysResponse.keys: at ECE array[ApiKeyResponse], here array[UserApiKey]"}},
		{"another schema", func(_ *facts, d *openapi3.T) {
			d.Components.Schemas["AccountResponse"].Value.Properties["trust"] = refTo(d, "LoginState")
		}, []string{"AccountResponse.trust: at ECE AccountTrustSettings, here LoginState"}},
		{"another value", change("SsoType", func(s *openapi3.Schema) { s.Enum = append(s.Enum, "openid") }), []string{
			"SsoAuthenticationMethodInfo.sso_type: at ECE string{saml}, here string{openid, saml}",
		}},
		{"property that may be absent", change("TokenResponse", func(s *openapi3.Schema) {
			s.Required = s.Required[:1]
		}), []string{"TokenResponse.session_expiration_time: at ECE required, here optional"}},
		{"property that must be there", change("CreateApiKeyRequest", func(s *openapi3.Schema) {
			s.Required = append(s.Required, "expiration")
		}), []string{"CreateApiKeyRequest.expiration: at ECE optional, here required"}},
		{"property that must be there, inside", change("DeploymentRoleAssignment", func(s *openapi3.Schema) {
			s.Required = append(s.Required, "all")
		}), []string{"DeploymentRoleAssignment.all: at ECE optional, here required"}},
	} {
		f, document := loadFacts(t), load(t)
		before := compare(f, document)
		c.change(&f, document)
		after := slices.DeleteFunc(compare(f, document), func(d string) bool { return slices.Contains(before, d) })
		if !slices.Equal(after, c.want) {
			t.Errorf("%s: differences %q, want %q", c.name, after, c.want)
		}
	}
}

// change changes a component's schema wherever it is used.
func change(name string, apply func(*openapi3.Schema)) func(*facts, *openapi3.T) {
	return func(_ *facts, d *openapi3.T) { apply(d.Components.Schemas[name].Value) }
}

func changeProperty(name, property string, apply func(*openapi3.Schema)) func(*facts, *openapi3.T) {
	return change(name, func(s *openapi3.Schema) { apply(s.Properties[property].Value) })
}

// changeKeyID changes the parameter of one path; others share it as a component and stay as they are.
func changeKeyID(apply func(*openapi3.Parameter)) func(*facts, *openapi3.T) {
	return func(_ *facts, d *openapi3.T) {
		parameters := d.Paths.Value("/api/v1/users/auth/keys/{api_key_id}").Parameters
		changed := *parameters[0].Value
		apply(&changed)
		parameters[0] = &openapi3.ParameterRef{Value: &changed}
	}
}

// keyID is what a change to that parameter is reported as.
func keyID(declared string) []string {
	const rest = " /users/auth/keys/{api_key_id}: parameter api_key_id: at ECE required string in path, here "
	return []string{"DELETE" + rest + declared, "GET" + rest + declared}
}
