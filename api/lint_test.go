package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// prefixes are where paths may lie, but for "/" itself. The document's server is "/", so that what it says is what is
// served.
var prefixes = []string{"/api/v1/", "/.well-known/", "/sso/", "/_security/", "/_cluster/"}

// Operations of ECE can answer the statuses of always if they need credentials, those of withBody if they have a body,
// and those of withQuery if they have a query parameter.
var (
	always    = []string{"401", "403", "429", "500", "501", "502", "503"}
	withBody  = []string{"400", "413", "415"}
	withQuery = []string{"400"}
)

// expirationHeader is the header of an answer to a request that was authenticated with an expiring API key.
const expirationHeader = "X-Elastic-Api-Key-Expiration"

// sessionOnly are the operations that never succeed with an API key.
var sessionOnly = []string{"refresh-token", "enable-elevated-permissions", "disable-elevated-permissions"}

// alwaysElasticsearch is what each of Elasticsearch's operations can answer: all its failures look alike.
var alwaysElasticsearch = []string{"default"}

var kebabCase = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// linter collects the problems of the document.
type linter struct {
	*openapi3.T
	problems []string
}

// lint returns the problems of the document, in a fixed order.
func lint(document *openapi3.T) []string {
	l := &linter{T: document}
	l.valid()
	l.ids()
	l.nested()
	l.unused()
	for _, op := range operations(document) {
		l.path(op)
		l.text(op)
		l.security(op)
		l.statuses(op)
		l.request(op)
		l.responses(op)
		l.action(op)
		l.work(op)
		l.roles(op)
	}
	slices.Sort(l.problems)
	return slices.Compact(l.problems)
}

func (l *linter) problem(place, format string, args ...any) {
	l.problems = append(l.problems, place+": "+fmt.Sprintf(format, args...))
}

// valid also checks each example against its schema.
func (l *linter) valid() {
	if l.OpenAPI != "3.0.3" {
		l.problem("document", "the version is %q, not 3.0.3", l.OpenAPI)
	}
	if err := l.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		l.problem("document", "%v", err)
	}
}

func (l *linter) ids() {
	places := map[string]string{}
	for _, op := range operations(l.T) {
		if !kebabCase.MatchString(op.OperationID) {
			l.problem(op.place(), "the operationId %q is not in kebab-case", op.OperationID)
		}
		if other, taken := places[op.OperationID]; taken {
			l.problem(op.place(), "the operationId %q is that of %s", op.OperationID, other)
		}
		places[op.OperationID] = op.place()
	}
}

func (l *linter) path(op operation) {
	if op.path == "/" {
		return
	}
	for _, prefix := range prefixes {
		if strings.HasPrefix(op.path, prefix) {
			return
		}
	}
	l.problem(op.place(), "the path is below none of %v", prefixes)
}

func (l *linter) text(op operation) {
	if len(op.Tags) != 1 || l.Tags.Get(op.Tags[0]) == nil {
		var declared []string
		for _, tag := range l.Tags {
			declared = append(declared, tag.Name)
		}
		l.problem(op.place(), "the tags %q are not one declared tag: declared are %q", op.Tags, declared)
	}
	if strings.TrimSpace(op.Summary) == "" {
		l.problem(op.place(), "there is no summary")
	}
	if strings.TrimSpace(op.Description) == "" {
		l.problem(op.place(), "there is no description")
	}
}

// security knows two decisions: the document's, which must then exist, and none, written out.
func (l *linter) security(op operation) {
	if op.Security == nil && len(l.Security) == 0 {
		l.problem(op.place(), "neither it nor the document says what credentials it needs")
	}
	if op.Security != nil && !op.public() {
		l.problem(op.place(), "its security is neither the document's nor []")
	}
}

func (l *linter) statuses(op operation) {
	all, taking, asking := always, withBody, withQuery
	if op.elasticsearch() {
		all, taking, asking = alwaysElasticsearch, nil, nil
	}
	var want []string
	if !op.public() {
		want = append(want, all...)
	}
	if op.RequestBody != nil {
		want = append(want, taking...)
	}
	if slices.ContainsFunc(op.parameters(),
		func(p *openapi3.Parameter) bool { return p.In == openapi3.ParameterInQuery }) {
		want = append(want, asking...)
	}
	slices.Sort(want)
	for _, status := range slices.Compact(want) {
		if op.Responses.Value(status) == nil {
			l.problem(op.place(), "status %s is not declared", status)
		}
	}
}

// free are the schemas that take any member on purpose: of what a patch may hold only to be refused, whatever it is,
// and of the caller's own JSON.
var free = []string{"KeptByServer", "FreeObject"}

// request also keeps defaults out of patches: what a patch leaves out stays as it is, and a default would change it.
func (l *linter) request(op operation) {
	for kind, media := range op.bodies() {
		place := op.place() + ": body " + kind
		l.example(place, media)
		if !l.component(place, media) {
			continue
		}
		walk(kind, media.Schema, func(name string, schema *openapi3.Schema) {
			if open(schema) && !slices.Contains(free, name) {
				l.problem(place, "%s takes any member", name)
			}
			if op.method == "PATCH" && schema.Default != nil {
				l.problem(place, "%s has a default in a patch", name)
			}
			if op.method != "PATCH" && kind == jsonBody && !op.elasticsearch() {
				l.nullable(place, name, schema)
			}
		})
	}
}

// nullable requires that an optional member of a request may be null, which clients of ECE send for absence.
func (l *linter) nullable(place, name string, schema *openapi3.Schema) {
	for member, ref := range schema.Properties {
		if !slices.Contains(schema.Required, member) && !ref.Value.Nullable {
			l.problem(place, "%s.%s is optional and may not be null", name, member)
		}
	}
}

func (l *linter) responses(op operation) {
	for name, ref := range op.Responses.Map() {
		place, response := op.place()+": status "+name, ref.Value
		for kind, media := range response.Content {
			l.component(place+" "+kind, media)
		}
		status, err := strconv.Atoi(name)
		switch {
		case op.elasticsearch() && (name == "default" || status >= 400):
			l.elasticsearchFailure(place, op, name)
		case err != nil:
			l.problem(place, "the status is not a number")
		case status >= 400:
			l.failure(place, response)
		case status == 302:
			l.redirect(place, response)
		case status < 300 && response.Content[jsonBody] != nil:
			l.example(place+" "+jsonBody, response.Content[jsonBody])
			l.expiration(place, op, response)
		}
	}
}

// expiration requires the header of a successful answer that an expiring API key can get.
func (l *linter) expiration(place string, op operation, response *openapi3.Response) {
	withKey := !op.public() && !op.elasticsearch() && !slices.Contains(sessionOnly, op.OperationID)
	if withKey && response.Headers[expirationHeader] == nil {
		l.problem(place, "the header %s is not declared: use #/components/headers/ApiKeyExpiration", expirationHeader)
	}
}

func (l *linter) redirect(place string, response *openapi3.Response) {
	if location := response.Headers["Location"]; location == nil || !location.Value.Required {
		l.problem(place, "there is no required header Location")
	}
}

func (l *linter) failure(place string, response *openapi3.Response) {
	if header := response.Headers[errorHeader]; header == nil || !header.Value.Required {
		l.problem(place, "there is no required header %s", errorHeader)
	}
	codes := errorCodes(response, errorHeader)
	if len(codes) == 0 {
		l.problem(place, "the header %s lists no codes", errorHeader)
	}
	media := response.Content[jsonBody]
	others := len(response.Content) - 1
	if page := response.Content["text/html"]; page != nil && component(page.Schema) == "Page" { // towards a browser
		l.example(place+" text/html", page)
		others--
	}
	if others != 0 || media == nil || component(media.Schema) != "BasicFailedReply" {
		l.problem(place, "the body is not BasicFailedReply")
		return
	}
	l.example(place+" "+jsonBody, media)
	for _, example := range examples(media) {
		l.exampleCode(place, example, codes)
	}
}

func (l *linter) exampleCode(place string, example any, codes []string) {
	reply, _ := example.(map[string]any)
	failures, _ := reply["errors"].([]any)
	if len(failures) == 0 {
		l.problem(place, "the example has no error")
	}
	for _, failure := range failures {
		element, _ := failure.(map[string]any)
		if code := fmt.Sprint(element["code"]); !slices.Contains(codes, code) {
			l.problem(place, "the example's code %s is not in the header %s", code, errorHeader)
		}
	}
}

func (l *linter) example(place string, media *openapi3.MediaType) {
	if len(examples(media)) == 0 {
		l.problem(place, "there is no example")
	}
}

// component reports whether a body's schema has a name, which the generated code uses.
func (l *linter) component(place string, media *openapi3.MediaType) bool {
	named := media.Schema != nil && strings.HasPrefix(media.Schema.Ref, "#/components/schemas/")
	if !named {
		l.problem(place, "the schema is not a reference to a component")
	}
	return named
}

// nested finds objects and compositions that are written in place, in a component, a parameter or a header.
func (l *linter) nested() {
	for name, schema := range l.Components.Schemas {
		for suffix, part := range parts(schema.Value) {
			l.named(name+suffix, part)
		}
	}
	for _, op := range operations(l.T) {
		for _, p := range op.parameters() {
			l.named(op.place()+": parameter "+p.Name, p.Schema)
		}
		for status, response := range op.Responses.Map() {
			for name, header := range response.Value.Headers {
				l.named(op.place()+": status "+status+": header "+name, header.Value.Schema)
			}
		}
	}
}

func (l *linter) named(place string, ref *openapi3.SchemaRef) {
	switch {
	case ref == nil:
		l.problem(place, "there is no schema")
	case ref.Ref != "" || scalar(ref.Value):
	// A reference has nothing beside it, so one with extensions is the only element of an allOf.
	case len(ref.Value.AllOf) == 1 && ref.Value.AllOf[0].Ref != "":
	case ref.Value.Type.Is("array") && ref.Value.Items != nil:
		l.named(place+"[]", ref.Value.Items)
	default:
		l.problem(place, "the schema is neither a reference, nor a scalar, nor an array of either")
	}
}

// unused finds components that no operation leads to.
func (l *linter) unused() {
	tree, err := l.tree()
	if err != nil {
		l.problem("document", "it cannot be written as JSON: %v", err)
		return
	}
	used := l.schemes()
	reach(tree, tree["paths"], used)
	for kind, components := range tree["components"].(map[string]any) {
		for name := range components.(map[string]any) {
			if pointer := "#/components/" + kind + "/" + name; !used[pointer] {
				l.problem(pointer, "nothing uses it")
			}
		}
	}
}

// tree is the document as plain JSON, in which every reference looks alike.
func (l *linter) tree() (tree map[string]any, err error) {
	data, err := json.Marshal(l.T)
	if err != nil {
		return nil, err
	}
	return tree, json.Unmarshal(data, &tree)
}

// schemes are the security schemes in use, which are named and not referred to. Operations name none of their own.
func (l *linter) schemes() map[string]bool {
	used := map[string]bool{}
	for _, requirement := range l.Security {
		for name := range maps.Keys(requirement) {
			used["#/components/securitySchemes/"+name] = true
		}
	}
	return used
}

// reach marks all references that a node of the tree leads to.
func reach(tree map[string]any, node any, used map[string]bool) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			reach(tree, element, used)
		}
	case map[string]any:
		for _, member := range node {
			reach(tree, member, used)
		}
		if pointer, ok := node["$ref"].(string); ok && !used[pointer] {
			used[pointer] = true
			reach(tree, resolve(tree, pointer), used)
		}
	}
}

// resolve follows a pointer such as #/components/schemas/Page.
func resolve(tree map[string]any, pointer string) any {
	var node any = tree
	for _, name := range strings.Split(pointer, "/")[1:] {
		members, _ := node.(map[string]any)
		node = members[name]
	}
	return node
}

// open reports whether a schema accepts members that it does not declare. One without a type accepts anything, unless
// it is made of alternatives, which are checked on their own. One that names the type of the caller's own members
// declares them all alike.
func open(schema *openapi3.Schema) bool {
	if schema.Type == nil && len(schema.OneOf)+len(schema.AnyOf)+len(schema.AllOf) > 0 {
		return false
	}
	if schema.Type != nil && !schema.Type.Is("object") {
		return false
	}
	if schema.AdditionalProperties.Schema != nil {
		return len(schema.Properties) > 0
	}
	return schema.AdditionalProperties.Has == nil || *schema.AdditionalProperties.Has
}

func examples(media *openapi3.MediaType) []any {
	var all []any
	if media.Example != nil {
		all = append(all, media.Example)
	}
	for _, example := range media.Examples {
		all = append(all, example.Value.Value)
	}
	return all
}
