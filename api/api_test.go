package api_test

import (
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
)

// Ensures that the contract is valid and keeps the rules that the server, the generated code and its readers rely on.
func TestLint(t *testing.T) {
	for _, problem := range lint(load(t)) {
		t.Error(problem)
	}
}

// Ensures that no rule refuses what is in order: a default outside a patch, a public operation of a document without
// security, a schema that contains itself.
func TestLint_Allows(t *testing.T) {
	before := lint(load(t)) // reported by TestLint
	for _, c := range []struct {
		name    string
		change  func(*openapi3.T)
		refused string
	}{
		{"a default", changeSchema("CreateApiKeyRequest", func(s *openapi3.Schema) {
			s.Properties["expiration"].Value.Default = "1d"
		}), "POST /api/v1/users/auth/keys: "},
		{"a public operation", func(d *openapi3.T) { d.Security = nil }, "POST /api/v1/users/auth/_login: "},
		{"a schema in itself", func(d *openapi3.T) {
			d.Components.Schemas["LoginState"].Value.Properties["then"] = refTo(d, "LoginState")
		}, ""},
	} {
		document := load(t)
		c.change(document)
		for _, problem := range lint(document) {
			if strings.HasPrefix(problem, c.refused) && !slices.Contains(before, problem) {
				t.Errorf("%s: %s", c.name, problem)
			}
		}
	}
}

// Ensures that each status that an operation must declare is missed when it is not declared.
func TestLint_Statuses(t *testing.T) {
	for place, statuses := range map[string][]string{
		"PUT /api/v1/account":     {"400", "401", "403", "413", "415", "429", "500", "501", "502", "503"},
		"GET /api/v1/users":       {"400"},
		"POST /_security/api_key": {"default"},
		"HEAD /":                  {"default"},
	} {
		document := load(t)
		for _, status := range statuses {
			find(document, place).Responses.Delete(status)
		}
		problems := lint(document)
		for _, status := range statuses {
			if want := place + ": status " + status + " is not declared"; !slices.Contains(problems, want) {
				t.Errorf("status %s: problems %q, want %q among them", status, problems, want)
			}
		}
	}
}

// Ensures that each rule notices what it forbids, and says where it is.
func TestLint_NotVacuous(t *testing.T) {
	const (
		account = "GET /api/v1/account"
		patch   = "PATCH /api/v1/account"
		login   = "POST /api/v1/users/auth/_login"
		keys    = "POST /api/v1/users/auth/keys"
		saml    = "GET /api/v1/users/auth/saml/metadata"
		begin   = "GET /api/v1/users/auth/saml/_init"
		update  = patch + ": body application/json: "
		refused = keys + ": status 400: "
	)
	notices(t, []mutation{
		// The document as a whole.
		{"another version", func(d *openapi3.T) { d.OpenAPI = "3.0.2" },
			`document: the version is "3.0.2", not 3.0.3`},
		{"not valid", func(d *openapi3.T) { d.Info.Title = "" }, "document: invalid info"},
		{"not JSON", func(d *openapi3.T) { success(d, account).Example = math.NaN() },
			"document: it cannot be written as JSON"},
		{"an example that does not fit", func(d *openapi3.T) {
			success(d, account).Example = map[string]any{"id": 1}
		}, `document: invalid components: response "Account": invalid example`},
		{"a date that is none", func(d *openapi3.T) {
			success(d, "GET /api/v1/users/auth").Example.(map[string]any)["expires_at"] = "tomorrow"
		}, "document: invalid paths"},
		{"an unused schema", func(d *openapi3.T) {
			d.Components.Schemas["Spare"] = openapi3.NewStringSchema().NewRef()
		}, "#/components/schemas/Spare: nothing uses it"},
		{"a schema that only an unused one uses", func(d *openapi3.T) {
			success(d, saml).Schema = refTo(d, "PatchText")
			d.Components.Schemas["Spare"] = &openapi3.SchemaRef{Value: &openapi3.Schema{Items: refTo(d, "SamlMetadata")}}
		}, "#/components/schemas/SamlMetadata: nothing uses it"},
		{"an unused response", func(d *openapi3.T) {
			for _, op := range operations(d) {
				op.Responses.Delete("500")
			}
		}, "#/components/responses/InternalError: nothing uses it"},
		{"an unused security scheme", func(d *openapi3.T) { d.Security = d.Security[:2] },
			"#/components/securitySchemes/session: nothing uses it"},

		// Operations.
		{"a short path", func(d *openapi3.T) {
			d.Paths.Set("/account", &openapi3.PathItem{Get: find(d, account)})
		}, "GET /account: the path is below none of [/api/v1/ /.well-known/ /sso/ /_security/ /_cluster/]"},
		{"no operationId", func(d *openapi3.T) { find(d, account).OperationID = "" },
			account + `: the operationId "" is not in kebab-case`},
		{"camel case", func(d *openapi3.T) { find(d, account).OperationID = "getAccount" },
			account + `: the operationId "getAccount" is not in kebab-case`},
		{"the same operationId", func(d *openapi3.T) { find(d, patch).OperationID = "get-current-account" },
			patch + `: the operationId "get-current-account" is that of ` + account},
		{"no tag", func(d *openapi3.T) { find(d, account).Tags = nil },
			account + ": the tags [] are not one declared tag"},
		{"two tags", func(d *openapi3.T) { find(d, account).Tags = []string{"Account", "ApiKeys"} },
			account + `: the tags ["Account" "ApiKeys"] are not one declared tag`},
		{"an undeclared tag", func(d *openapi3.T) { find(d, account).Tags = []string{"Other"} },
			account + `: the tags ["Other"] are not one declared tag: declared are ["Account" `},
		{"no summary", func(d *openapi3.T) { find(d, account).Summary = " " }, account + ": there is no summary"},
		{"no description", func(d *openapi3.T) { find(d, account).Description = "\n" },
			account + ": there is no description"},
		{"no security", func(d *openapi3.T) { d.Security = nil },
			account + ": neither it nor the document says what credentials it needs"},
		{"its own security", func(d *openapi3.T) { find(d, account).Security = &d.Security },
			account + ": its security is neither the document's nor []"},
		{"no longer public", func(d *openapi3.T) { find(d, login).Security = nil },
			login + ": status 403 is not declared"},
		{"no status for a public body", func(d *openapi3.T) { find(d, login).Responses.Delete("415") },
			login + ": status 415 is not declared"},

		// Bodies and schemas.
		{"no name for a request", func(d *openapi3.T) { requestBody(d, patch).Schema.Ref = "" },
			update + "the schema is not a reference to a component"},
		{"no schema for a request", func(d *openapi3.T) { requestBody(d, patch).Schema = nil },
			update + "the schema is not a reference to a component"},
		{"no name for an answer", func(d *openapi3.T) { success(d, account).Schema.Ref = "" },
			account + ": status 200 application/json: the schema is not a reference to a component"},
		{"no example for a request", func(d *openapi3.T) { requestBody(d, patch).Examples = nil },
			update + "there is no example"},
		{"no expiration of the caller's key", func(d *openapi3.T) {
			delete(find(d, account).Responses.Value("200").Value.Headers, expirationHeader)
		}, account + ": status 200: the header X-Elastic-Api-Key-Expiration is not declared"},
		{"no example for an answer", func(d *openapi3.T) { success(d, account).Example = nil },
			account + ": status 200 application/json: there is no example"},
		{"open patch", changeSchema("AccountTrustSettingsPatch", func(s *openapi3.Schema) {
			s.AdditionalProperties.Has = nil
		}), update + "AccountTrustSettingsPatch takes any member"},
		{"open elements", changeSchema("UserApiKey", func(s *openapi3.Schema) {
			s.AdditionalProperties = openapi3.AdditionalProperties{Schema: openapi3.NewStringSchema().NewRef()}
		}), "DELETE /api/v1/users/auth/keys/_all: body application/json: UserApiKey takes any member"},
		{"an open object with alternatives", changeSchema("AccountPatchRequest", func(s *openapi3.Schema) {
			s.Type = &openapi3.Types{"object"}
		}), update + "AccountPatchRequest takes any member"},
		{"explicitly open", changeSchema("LoginState", func(s *openapi3.Schema) { s.WithAnyAdditionalProperties() }),
			login + ": body application/json: LoginState takes any member"},
		{"no type", changeSchema("LoginState", func(s *openapi3.Schema) {
			s.Properties["path"].Value.Type = nil
		}), login + ": body application/json: LoginState.path takes any member"},
		{"a default in a patch", changeSchema("AccountTrustSettingsPatch", func(s *openapi3.Schema) {
			s.Properties["trust_all"].Value.Default = true
		}), update + "AccountTrustSettingsPatch.trust_all has a default in a patch"},
		{"optional and not nullable", changeSchema("LoginState", func(s *openapi3.Schema) {
			s.Properties["path"].Value.Nullable = false
		}), login + ": body application/json: LoginState.path is optional and may not be null"},
		{"an object in place", changeSchema("AccountResponse", func(s *openapi3.Schema) {
			s.Properties["trust"].Ref = ""
		}), "AccountResponse.trust: " + unnamed},
		{"objects in place", changeSchema("ApiKeysResponse", func(s *openapi3.Schema) {
			s.Properties["keys"].Value.Items.Ref = ""
		}), "ApiKeysResponse.keys[]: " + unnamed},
		{"a map in place", changeSchema("EmptyResponse", func(s *openapi3.Schema) {
			s.AdditionalProperties.Schema = openapi3.NewObjectSchema().NewRef()
		}), "EmptyResponse.*: " + unnamed},
		{"an alternative in place", changeSchema("AccountPatchRequest", func(s *openapi3.Schema) {
			s.OneOf[0].Ref = ""
		}), "AccountPatchRequest (alternative 1): " + unnamed},
		{"alternatives in place", changeSchema("AccountResponse", func(s *openapi3.Schema) {
			s.Properties["id"].Value.OneOf = openapi3.SchemaRefs{openapi3.NewStringSchema().NewRef()}
		}), "AccountResponse.id: " + unnamed},
		{"an exclusion in place", changeSchema("AccountResponse", func(s *openapi3.Schema) {
			s.Properties["id"].Value.Not = openapi3.NewObjectSchema().NewRef()
		}), "AccountResponse.id: " + unnamed},
		{"an object in a parameter", func(d *openapi3.T) {
			d.Components.Parameters["UserId"].Value.Schema = openapi3.NewObjectSchema().NewRef()
		}, "DELETE /api/v1/users/{user_id}/auth/keys: parameter user_id: " + unnamed},
		{"no schema in a parameter", func(d *openapi3.T) {
			d.Components.Parameters["UserId"].Value.Schema = nil
		}, "DELETE /api/v1/users/{user_id}/auth/keys: parameter user_id: there is no schema"},
		{"an object in a header", func(d *openapi3.T) {
			d.Components.Headers["RetryAfter"].Value.Schema = openapi3.NewObjectSchema().NewRef()
		}, account + ": status 503: header Retry-After: " + unnamed},

		// Answers.
		{"a class of statuses", func(d *openapi3.T) {
			find(d, account).Responses.Set("4XX", find(d, account).Responses.Value("404"))
		}, account + ": status 4XX: the status is not a number"},
		{"no Location", func(d *openapi3.T) { delete(find(d, login).Responses.Value("302").Value.Headers, "Location") },
			login + ": status 302: there is no required header Location"},
		{"optional Location", func(d *openapi3.T) {
			find(d, login).Responses.Value("302").Value.Headers["Location"].Value.Required = false
		}, login + ": status 302: there is no required header Location"},
		{"no header", changeFailure(keys, func(r *openapi3.Response) { delete(r.Headers, errorHeader) }),
			refused + "there is no required header x-cloud-error-codes"},
		{"optional header", changeFailure(keys, func(r *openapi3.Response) {
			r.Headers[errorHeader].Value.Required = false
		}), refused + "there is no required header x-cloud-error-codes"},
		{"no codes", changeFailure(keys, func(r *openapi3.Response) {
			r.Headers[errorHeader].Value.Schema.Value.Enum = nil
		}), refused + "the header x-cloud-error-codes lists no codes"},
		{"no schema of the codes", changeFailure(keys, func(r *openapi3.Response) {
			r.Headers[errorHeader].Value.Schema = nil
		}), refused + "the header x-cloud-error-codes lists no codes"},
		{"no failure body", changeFailure(keys, func(r *openapi3.Response) { r.Content = nil }),
			refused + "the body is not BasicFailedReply"},
		{"another failure body", changeFailure(keys, func(r *openapi3.Response) {
			r.Content[jsonBody].Schema.Ref = "#/components/schemas/EmptyResponse"
		}), refused + "the body is not BasicFailedReply"},
		{"no schema of a failure", changeFailure(keys, func(r *openapi3.Response) { r.Content[jsonBody].Schema = nil }),
			refused + "the body is not BasicFailedReply"},
		{"a failure body that is not JSON", changeFailure(keys, func(r *openapi3.Response) {
			r.Content = openapi3.Content{"text/html": r.Content[jsonBody]}
		}), refused + "the body is not BasicFailedReply"},
		{"a second failure body", changeFailure(keys, func(r *openapi3.Response) {
			r.Content["text/html"] = r.Content[jsonBody]
		}), refused + "the body is not BasicFailedReply"},
		{"a page of another schema", changeFailure(begin, func(r *openapi3.Response) {
			r.Content["text/html"].Schema = r.Content[jsonBody].Schema
		}), begin + ": status 400: the body is not BasicFailedReply"},
		{"no example of a page", changeFailure(begin, func(r *openapi3.Response) {
			r.Content["text/html"].Example = nil
		}), begin + ": status 400 text/html: there is no example"},
		{"no example of a failure", changeFailure(keys, func(r *openapi3.Response) {
			r.Content[jsonBody].Example = nil
		}), keys + ": status 400 application/json: there is no example"},
		{"an example without errors", changeFailure(keys, func(r *openapi3.Response) {
			r.Content[jsonBody].Example = map[string]any{"errors": []any{}}
		}), refused + "the example has no error"},
		{"an example of another failure", changeFailure(keys, func(r *openapi3.Response) {
			r.Headers[errorHeader].Value.Schema.Value.Enum = []any{"root.invalid_data"}
		}), refused + "the example's code api_keys.invalid_input is not in the header x-cloud-error-codes"},
	})
}

// mutation is a change to the document, and how the problem begins that the lint then finds.
type mutation struct {
	name   string
	change func(*openapi3.T)
	want   string
}

func notices(t *testing.T, mutations []mutation) {
	t.Helper()
	for _, c := range mutations {
		document := load(t)
		c.change(document)
		problems := lint(document)
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, c.want) }) {
			t.Errorf("%s: problems %q, want %q among them", c.name, problems, c.want)
		}
	}
}

const unnamed = "the schema is neither a reference, nor a scalar, nor an array of either"

func requestBody(d *openapi3.T, place string) *openapi3.MediaType {
	return find(d, place).RequestBody.Value.Content[jsonBody]
}

// success is the body of the answer 200, whatever its type.
func success(d *openapi3.T, place string) *openapi3.MediaType {
	for _, media := range find(d, place).Responses.Value("200").Value.Content {
		return media
	}
	return nil
}

func changeSchema(name string, apply func(*openapi3.Schema)) func(*openapi3.T) {
	return func(d *openapi3.T) { apply(d.Components.Schemas[name].Value) }
}

func changeFailure(place string, apply func(*openapi3.Response)) func(*openapi3.T) {
	return func(d *openapi3.T) { apply(find(d, place).Responses.Value("400").Value) }
}

// Ensures that the paths for identity providers are those of the operations, also in a region.
func TestSAMLPaths(t *testing.T) {
	for id, patterns := range map[string][]string{
		"saml-callback": api.SAMLCallback, "saml-single-logout": api.SAMLSingleLogout,
	} {
		t.Run(id, func(t *testing.T) {
			for route, item := range load(t).Paths.Map() {
				for _, op := range item.Operations() {
					if (op.OperationID == id) != (route == patterns[0]) {
						t.Errorf("%s has the path %s", op.OperationID, route)
					}
				}
			}
			inRegion := "/api/v1/regions/eu/" + strings.TrimPrefix(patterns[0], "/api/v1/")
			if matched, err := path.Match(patterns[1], inRegion); err != nil || !matched {
				t.Errorf("%s does not match %s, %v", patterns[1], inRegion, err)
			}
		})
	}
}

// Ensures that exactly the operations that ECE elevated require elevation and declare the refusal without it; and of
// Elasticsearch's exactly those that change the permissions of others, with the same refusal as for a lack of
// privileges.
func TestElevation(t *testing.T) {
	want := []string{
		"create-api-key", "create-user", "delete-api-key", "delete-api-keys", "delete-user", "delete-user-api-key",
		"delete-user-api-keys",
		"delete-users-api-keys", "update-user",
	}
	wantElasticsearch := []string{
		"security-bulk-delete-roles", "security-bulk-put-roles", "security-bulk-update-api-keys",
		"security-change-password", "security-change-password-post", "security-clone-api-key", "security-clone-api-key-put",
		"security-create-api-key", "security-create-api-key-put", "security-create-cross-cluster-api-key",
		"security-create-service-token", "security-create-service-token-put", "security-create-service-token-unnamed",
		"security-delete-application-privileges", "security-delete-role", "security-delete-role-mapping",
		"security-delete-service-token",
		"security-delete-user", "security-disable-user", "security-disable-user-post", "security-enable-user",
		"security-enable-user-post",
		"security-grant-api-key", "security-grant-api-key-put", "security-invalidate-api-keys",
		"security-put-privileges", "security-put-privileges-post", "security-put-role",
		"security-put-role-mapping", "security-put-role-mapping-post", "security-put-role-post",
		"security-put-user",
		"security-put-user-post", "security-update-api-key", "security-update-cross-cluster-api-key",
	}
	asking := map[bool][]string{}
	var declaring []string
	for _, op := range operations(load(t)) {
		if op.Extensions["x-requires-elevation"] == true {
			asking[op.elasticsearch()] = append(asking[op.elasticsearch()], op.OperationID)
		}
		if op.Responses.Value("449") != nil {
			declaring = append(declaring, op.OperationID)
		}
	}
	slices.Sort(asking[false])
	slices.Sort(asking[true])
	slices.Sort(declaring)
	if !slices.Equal(asking[false], want) || !slices.Equal(declaring, want) {
		t.Errorf("asking are %v, declaring %v, want %v", asking[false], declaring, want)
	}
	if !slices.Equal(asking[true], wantElasticsearch) {
		t.Errorf("of Elasticsearch's, asking are %v, want %v", asking[true], wantElasticsearch)
	}
}
