package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	productHeader   = "X-Elastic-Product"
	actionExtension = "x-elasticsearch-action"
)

// product is what clients of Elasticsearch look for in every answer.
func (l *linter) product(place string, response *openapi3.Response) {
	header := response.Headers[productHeader]
	if header == nil || !header.Value.Required {
		l.problem(place, "there is no required header %s", productHeader)
	}
	if values := errorCodes(response, productHeader); !slices.Equal(values, []string{"Elasticsearch"}) {
		l.problem(place, "the header %s has the values %q", productHeader, values)
	}
}

// action tells what refusals call the operation. Only Elasticsearch's have such a name.
func (l *linter) action(op operation) {
	action, given := op.Extensions[actionExtension]
	name, _ := action.(string)
	switch {
	case given && !op.elasticsearch():
		l.problem(op.place(), "there is %s", actionExtension)
	case op.elasticsearch() && !strings.HasPrefix(name, "cluster:"):
		l.problem(op.place(), "%s is %q", actionExtension, name)
	}
}

// elasticsearchFailure knows one kind of failure that is none: of several things, none was found.
func (l *linter) elasticsearchFailure(place string, op operation, status string) {
	response := op.Responses.Value(status).Value
	media := response.Content[jsonBody]
	switch {
	case len(response.Content) != 1 || media == nil:
		l.problem(place, "the body is not ElasticsearchError")
		return
	case component(media.Schema) == "ElasticsearchError":
		l.exampleStatus(place, media, status)
	case status != "404" || component(media.Schema) != op.answer():
		l.problem(place, "the body is not ElasticsearchError")
	}
	l.example(place+" "+jsonBody, media)
}

func (l *linter) exampleStatus(place string, media *openapi3.MediaType, status string) {
	for _, example := range examples(media) {
		reply, _ := example.(map[string]any)
		if given := fmt.Sprint(reply["status"]); given != status {
			l.problem(place, "the example's status is %s", given)
		}
	}
}

// answer is the name of the schema of the operation's answer 200, or empty.
func (o operation) answer() string {
	if success := o.Responses.Value("200"); success != nil && success.Value.Content[jsonBody] != nil {
		return component(success.Value.Content[jsonBody].Schema)
	}
	return ""
}

// Ensures that each rule for Elasticsearch's operations notices what it forbids, and says where it is.
func TestLint_NotVacuousElasticsearch(t *testing.T) {
	const (
		role    = "GET /_security/role/{name}"
		update  = "PUT /_security/api_key/{id}"
		create  = "POST /_security/api_key"
		body    = create + ": body application/json: "
		refused = create + ": status 400: "
	)
	notices(t, []mutation{
		{"no action", func(d *openapi3.T) { delete(find(d, create).Extensions, actionExtension) },
			create + `: x-elasticsearch-action is ""`},
		{"another action", func(d *openapi3.T) { find(d, create).Extensions[actionExtension] = "indices:data/read" },
			create + `: x-elasticsearch-action is "indices:data/read"`},
		{"an action that is no text", func(d *openapi3.T) { find(d, create).Extensions[actionExtension] = true },
			create + `: x-elasticsearch-action is ""`},
		{"an action elsewhere", func(d *openapi3.T) {
			find(d, "GET /api/v1/account").Extensions = map[string]any{actionExtension: "cluster:monitor/main"}
		}, "GET /api/v1/account: there is x-elasticsearch-action"},

		{"no product", func(d *openapi3.T) { delete(find(d, create).Responses.Value("200").Value.Headers, productHeader) },
			create + ": status 200: there is no required header X-Elastic-Product"},
		{"no product in a failure", changeResponse(create, "400", func(r *openapi3.Response) { delete(r.Headers, productHeader) }),
			refused + "there is no required header X-Elastic-Product"},
		{"an optional product", func(d *openapi3.T) { d.Components.Headers["ElasticProduct"].Value.Required = false },
			"HEAD /: status 200: there is no required header X-Elastic-Product"},
		{"another product", func(d *openapi3.T) {
			d.Components.Headers["ElasticProduct"].Value.Schema.Value.Enum = []any{"Elasticsearch", "Sallyport"}
		}, create + `: status 200: the header X-Elastic-Product has the values ["Elasticsearch" "Sallyport"]`},

		{"no failure body", changeResponse(create, "400", func(r *openapi3.Response) { r.Content = nil }),
			refused + "the body is not ElasticsearchError"},
		{"the other API's failure", changeResponse(create, "400", func(r *openapi3.Response) {
			r.Content[jsonBody].Schema.Ref = "#/components/schemas/BasicFailedReply"
		}), refused + "the body is not ElasticsearchError"},
		{"a second failure body", changeResponse(create, "400", func(r *openapi3.Response) {
			r.Content["text/html"] = r.Content[jsonBody]
		}), refused + "the body is not ElasticsearchError"},
		{"a success as a failure", changeResponse(create, "400", func(r *openapi3.Response) {
			r.Content[jsonBody].Schema.Ref = "#/components/schemas/SecurityCreateApiKeyResponse"
		}), refused + "the body is not ElasticsearchError"},
		{"another success as nothing found", changeResponse(role, "404", func(r *openapi3.Response) {
			r.Content[jsonBody].Schema.Ref = "#/components/schemas/FoundResponse"
		}), role + ": status 404: the body is not ElasticsearchError"},
		{"nothing found without a success", func(d *openapi3.T) {
			find(d, role).Responses.Value("200").Value.Content = nil
		}, role + ": status 404: the body is not ElasticsearchError"},
		{"no example of a failure", changeResponse(create, "400", func(r *openapi3.Response) {
			r.Content[jsonBody].Example = nil
		}), refused[:len(refused)-2] + " application/json: there is no example"},
		{"no example of nothing found", changeResponse(role, "404", func(r *openapi3.Response) {
			r.Content[jsonBody].Example = nil
		}), role + ": status 404 application/json: there is no example"},
		{"an example of another status", changeResponse(update, "404", func(r *openapi3.Response) {
			r.Content[jsonBody].Example.(map[string]any)["status"] = 400
		}), update + ": status 404: the example's status is 400"},

		{"an open request", changeSchema("SecurityCreateApiKeyRequest", func(s *openapi3.Schema) { s.WithAnyAdditionalProperties() }),
			body + "SecurityCreateApiKeyRequest takes any member"},
		{"an open descriptor", changeSchema("RoleDescriptor", func(s *openapi3.Schema) { s.AdditionalProperties.Has = nil }),
			body + "RoleDescriptor takes any member"},
		{"an open map", changeSchema("RoleDescriptors", func(s *openapi3.Schema) {
			s.AdditionalProperties = openapi3.AdditionalProperties{}
		}), body + "RoleDescriptors takes any member"},
		{"a map with members", changeSchema("RoleDescriptors", func(s *openapi3.Schema) {
			s.Properties = openapi3.Schemas{"x": openapi3.NewStringSchema().NewRef()}
		}), body + "RoleDescriptors takes any member"},
	})
}

func changeResponse(place, status string, apply func(*openapi3.Response)) func(*openapi3.T) {
	return func(d *openapi3.T) { apply(find(d, place).Responses.Value(status).Value) }
}
