package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const actionExtension = "x-elasticsearch-action"

// action returns the action's name in refusals. Only Elasticsearch's operations have one.
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

// elasticsearchFailure checks that failures have one body, except for a 404, which has the body of the answer 200.
func (l *linter) elasticsearchFailure(place string, op operation, status string) {
	response := op.Responses.Value(status).Value
	media := response.Content[jsonBody]
	if len(response.Content) != 1 || media == nil {
		l.problem(place, "the body is not ElasticsearchError")
		return
	}
	want := "ElasticsearchError"
	if status == "404" {
		want = op.answer()
	}
	if component(media.Schema) != want {
		l.problem(place, "the body is not %s", want)
	}
	l.example(place+" "+jsonBody, media)
	if status == "default" {
		l.failureStatuses(place, response, media)
	}
}

// failureStatuses checks that a response for all failures says which there are.
func (l *linter) failureStatuses(place string, response *openapi3.Response, media *openapi3.MediaType) {
	statuses := listedStatuses(response)
	if len(statuses) == 0 {
		l.problem(place, "there is no %s", statusesExtension)
	}
	for _, example := range examples(media) {
		reply, _ := example.(map[string]any)
		if given := fmt.Sprint(reply["status"]); !slices.Contains(statuses, given) {
			l.problem(place, "the example's status is %s", given)
		}
	}
}

const statusesExtension = "x-statuses"

func listedStatuses(response *openapi3.Response) []string {
	list, _ := response.Extensions[statusesExtension].([]any)
	var statuses []string
	for _, each := range list {
		statuses = append(statuses, fmt.Sprint(each))
	}
	return statuses
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
		create  = "POST /_security/api_key"
		body    = create + ": body application/json: "
		refused = create + ": status default: "
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

		{"no failure body", changeResponse(create, "default", func(r *openapi3.Response) { r.Content = nil }),
			refused + "the body is not ElasticsearchError"},
		{"the other API's failure", changeResponse(create, "default", func(r *openapi3.Response) {
			r.Content[jsonBody].Schema.Ref = "#/components/schemas/BasicFailedReply"
		}), refused + "the body is not ElasticsearchError"},
		{"a second failure body", changeResponse(create, "default", func(r *openapi3.Response) {
			r.Content["text/html"] = r.Content[jsonBody]
		}), refused + "the body is not ElasticsearchError"},
		{"no statuses", changeResponse(create, "default", func(r *openapi3.Response) { r.Extensions = nil }),
			refused + "there is no x-statuses"},
		{"a status that is not listed", changeResponse(create, "default", func(r *openapi3.Response) {
			r.Extensions[statusesExtension] = []any{"400"}
		}), refused + "the example's status is 401"},
		{"another success as nothing found", changeResponse(role, "404", func(r *openapi3.Response) {
			r.Content[jsonBody].Schema.Ref = "#/components/schemas/FoundResponse"
		}), role + ": status 404: the body is not "},
		{"no example of a failure", changeResponse(create, "default", func(r *openapi3.Response) {
			r.Content[jsonBody].Examples = nil
		}), refused[:len(refused)-2] + " application/json: there is no example"},
		{"no example of nothing found", changeResponse(role, "404", func(r *openapi3.Response) {
			r.Content[jsonBody].Example = nil
		}), role + ": status 404 application/json: there is no example"},

		{"an open request",
			changeSchema("SecurityCreateApiKeyRequest", func(s *openapi3.Schema) { s.WithAnyAdditionalProperties() }),
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
