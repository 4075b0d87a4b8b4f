package api_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
)

// jsonBody is the content type of every body that is not a page.
const jsonBody = "application/json"

// errorHeader repeats the code of a failure.
const errorHeader = "x-cloud-error-codes"

// inJSON is the document in the form that is read fastest.
var inJSON = sync.OnceValues(func() ([]byte, error) {
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, err
	}
	return document.MarshalJSON()
})

// load returns a copy of the document that the caller may change.
func load(t *testing.T) *openapi3.T {
	t.Helper()
	text, err := inJSON()
	if err != nil {
		t.Fatalf("the contract cannot be read: %v", err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("the contract cannot be read: %v", err)
	}
	return document
}

// operation is an operation and where it stands.
type operation struct {
	*openapi3.Operation
	method, path string
	item         *openapi3.PathItem
}

// place is how messages name the operation.
func (o operation) place() string { return o.method + " " + o.path }

// operations lists the document's operations in a fixed order, so that messages come in one.
func operations(document *openapi3.T) []operation {
	var all []operation
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{op, method, path, item})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.place(), b.place()) })
	return all
}

// parameters are the operation's own and those of its path.
func (o operation) parameters() []*openapi3.Parameter {
	var all []*openapi3.Parameter
	for _, p := range slices.Concat(o.item.Parameters, o.Parameters) {
		all = append(all, p.Value)
	}
	return all
}

// bodies are the schemas of the request's body, by content type.
func (o operation) bodies() openapi3.Content {
	if o.RequestBody == nil {
		return nil
	}
	return o.RequestBody.Value.Content
}

// public reports whether the operation declares that it needs no credentials.
func (o operation) public() bool { return o.Security != nil && len(*o.Security) == 0 }

// elasticsearch reports whether the operation is one of Elasticsearch's: they are all that are not below another
// API's path.
func (o operation) elasticsearch() bool {
	return !slices.ContainsFunc([]string{"/api/v1/", "/.well-known/", "/sso/"},
		func(prefix string) bool { return strings.HasPrefix(o.path, prefix) })
}

// component is the name of the component that a reference names; it is empty for a schema that is missing or written in
// place.
func component(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Ref == "" {
		return ""
	}
	return path.Base(ref.Ref)
}

// errorCodes are the codes that a response declares in its header.
func errorCodes(response *openapi3.Response, header string) []string {
	declared := response.Headers[header]
	if declared == nil || declared.Value.Schema == nil {
		return nil
	}
	var codes []string
	for _, code := range declared.Value.Schema.Value.Enum {
		codes = append(codes, fmt.Sprint(code))
	}
	return codes
}

// parts are the schemas that a schema is made of, each under what to append to the schema's name.
func parts(schema *openapi3.Schema) map[string]*openapi3.SchemaRef {
	all := map[string]*openapi3.SchemaRef{
		"[]":         schema.Items,
		".*":         schema.AdditionalProperties.Schema,
		" (negated)": schema.Not,
	}
	for name, property := range schema.Properties {
		all["."+name] = property
	}
	for i, alternative := range slices.Concat(schema.OneOf, schema.AnyOf, schema.AllOf) {
		all[fmt.Sprintf(" (alternative %d)", i+1)] = alternative
	}
	maps.DeleteFunc(all, func(_ string, part *openapi3.SchemaRef) bool { return part == nil })
	return all
}

// walk visits a schema and all that it is made of, each once. The place that it gives is the name of the nearest
// component and the way from there.
func walk(place string, ref *openapi3.SchemaRef, visit func(place string, schema *openapi3.Schema)) {
	seen := map[*openapi3.Schema]bool{}
	var follow func(place string, ref *openapi3.SchemaRef)
	follow = func(place string, ref *openapi3.SchemaRef) {
		if seen[ref.Value] {
			return
		}
		seen[ref.Value] = true
		if name := component(ref); name != "" {
			place = name
		}
		visit(place, ref.Value)
		all := parts(ref.Value)
		for _, suffix := range slices.Sorted(maps.Keys(all)) {
			follow(place+suffix, all[suffix])
		}
	}
	follow(place, ref)
}

// scalar reports whether a schema has one plain type without members and elements.
func scalar(schema *openapi3.Schema) bool {
	return len(parts(schema)) == 0 && schema.Type.IsSingle() && !schema.Type.Is("object") && !schema.Type.Is("array")
}

// find returns the operation at a place such as "GET /api/v1/account".
func find(document *openapi3.T, place string) *openapi3.Operation {
	method, path, _ := strings.Cut(place, " ")
	return document.Paths.Value(path).GetOperation(method)
}

// refTo refers to a component.
func refTo(document *openapi3.T, name string) *openapi3.SchemaRef {
	return openapi3.NewSchemaRef("#/components/schemas/"+name, document.Components.Schemas[name].Value)
}
