// Package contract is api/openapi.yaml at run time: the operations, and the validation of requests against them. It
// knows no API family.
package contract

import (
	"fmt"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// Contract is a loaded OpenAPI document.
type Contract struct {
	Operations []*Operation

	byID     map[string]*Operation
	document *openapi3.T
}

// Operation is what the contract says about one operation, prepared once so that no request looks anything up.
type Operation struct {
	ID, Method, Path string
	// Public operations need no credentials.
	Public bool
	// Elevated operations are for callers with elevated permissions: x-requires-elevation.
	Elevated bool
	// Own operations are extensions of this project: x-extension.
	Own bool
	// Unclustered operations are served without an authentication cluster: x-without-cluster.
	Unclustered bool
	// Roles are those of which a caller needs one: x-roles. An operation with none admits no caller.
	Roles []string
	// Work is the work class: x-work.
	Work Work
	// TakesBody is set if the operation has a request body.
	TakesBody bool
	// Query describes the parameters of the query string, by name.
	Query map[string]QueryParameter
	// Deprecation is what answers announce; nil if the operation is not deprecated.
	Deprecation *Deprecation
	// FormFields are the sorted names of the fields of the operation's form; nil if it takes none.
	FormFields []string

	extensions map[string]any
	body       *openapi3.RequestBody
	// route is what requests are validated against: all but the credentials, which the edge checks itself and first.
	route *routers.Route
	// unchecked operations have neither parameters nor a body.
	unchecked bool
	// checks are the compiled checks; nil if the operation is left to the interpreter.
	checks *requestChecks
	// responses are the checks of responses; nil if responses are not checked.
	responses *responseChecks
	// observe is called with what the interpreter decided about a request that the checks left undecided.
	observe func(operation string, accepted bool)
}

// Options change how a contract is applied.
type Options struct {
	// Interpret leaves all requests and responses to the interpreter. It is for tests, which compare it with the
	// compiled checks.
	Interpret bool
	// Undecided is called with a request that the compiled checks left undecided, with what the interpreter decided; nil
	// if it is not of interest.
	Undecided func(operation string, accepted bool)
	// Responses compiles the checks of responses.
	Responses bool
	// Without are the ids of operations that are left out.
	Without []string
}

// QueryParameter describes how the text of a parameter is read before it is validated.
type QueryParameter struct {
	// Boolean parameters are true or false and nothing else.
	Boolean bool
	// Flag parameters can be true, and are if they have no text.
	Flag bool
}

// Work is the work class of an operation.
type Work string

const (
	// Light operations cost at most a small multiple of their request, and need no work slot.
	Light Work = ""
	// Heavy operations cost more the more records are stored, or grow faster than their request.
	Heavy Work = "heavy"
	// Revocation operations take access away. They share neither slots nor bytes with others, so that reads cannot
	// starve them.
	Revocation Work = "revocation"
)

// Load returns the project's contract. The document is read once per process, and is read-only.
func Load() (*Contract, error) { return loadEmbedded() }

var loadEmbedded = sync.OnceValues(func() (*Contract, error) { return Parse(api.OpenAPI) })

// Parse reads an OpenAPI document.
func Parse(data []byte) (*Contract, error) {
	document, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}

	c := &Contract{byID: map[string]*Operation{}, document: document}
	compiler := newBodyCompiler(schemacheck.Request, strictjson.MaxDepth)
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			prepared, err := prepare(document, path, method, item, op, compiler)
			if err != nil {
				return nil, fmt.Errorf("contract: operation %s: %w", op.OperationID, err)
			}
			c.Operations = append(c.Operations, prepared)
			c.byID[prepared.ID] = prepared
		}
	}
	return c, nil
}

// With returns a contract that is applied with options.
func (c *Contract) With(options Options) *Contract {
	applied := &Contract{byID: map[string]*Operation{}, document: c.document}
	var responses *bodyCompiler
	if !options.Interpret {
		responses = newBodyCompiler(schemacheck.Response, maxAnswerDepth)
	}
	for _, each := range c.Operations {
		if slices.Contains(options.Without, each.ID) {
			continue
		}
		op := *each
		if options.Interpret {
			op.checks = nil
		}
		if options.Undecided != nil {
			op.observe = options.Undecided
		}
		if options.Responses {
			op.responses = compileResponses(op.route.Operation, responses)
		}
		applied.Operations = append(applied.Operations, &op)
		applied.byID[op.ID] = &op
	}
	return applied
}

// Operation returns the operation with an id, or nil.
func (c *Contract) Operation(id string) *Operation { return c.byID[id] }

// Unchecked reports whether the operation has neither parameters nor a body, so that Validate has nothing to do.
func (op *Operation) Unchecked() bool { return op.unchecked }

// Path returns the path of the operation with an id, or "".
func (c *Contract) Path(id string) string {
	if op := c.Operation(id); op != nil {
		return op.Path
	}
	return ""
}

// Extension returns the text of an extension, or "".
func (op *Operation) Extension(name string) string {
	text, _ := op.extensions[name].(string)
	return text
}

func prepare(
	document *openapi3.T, path, method string, item *openapi3.PathItem, op *openapi3.Operation, compiler *bodyCompiler,
) (*Operation, error) {
	work, err := workOf(op.Extensions["x-work"])
	if err != nil {
		return nil, err
	}

	deprecation, err := deprecationOf(op)
	if err != nil {
		return nil, err
	}

	security := document.Security
	if op.Security != nil {
		security = *op.Security
	}
	bare := *op
	bare.Security = &openapi3.SecurityRequirements{}
	parameters := slices.Concat(item.Parameters, op.Parameters)

	prepared := &Operation{
		ID:          op.OperationID,
		Method:      method,
		Path:        path,
		Public:      len(security) == 0,
		Elevated:    op.Extensions["x-requires-elevation"] == true,
		Own:         op.Extensions["x-extension"] == true,
		Unclustered: op.Extensions["x-without-cluster"] == true,
		Roles:       rolesOf(op.Extensions["x-roles"]),
		Work:        work,
		TakesBody:   op.RequestBody != nil,
		Deprecation: deprecation,
		Query:       queryParameters(parameters),
		extensions:  op.Extensions,
		route:       &routers.Route{Spec: document, Path: path, PathItem: item, Method: method, Operation: &bare},
		unchecked:   op.RequestBody == nil && len(parameters) == 0,
		observe:     func(string, bool) {},
	}
	if op.RequestBody != nil {
		prepared.body = op.RequestBody.Value
		prepared.FormFields = formFields(prepared.body)
	}
	prepared.checks = compileRequest(parameters, prepared.body, compiler)
	return prepared, nil
}

// rolesOf reads a list of roles from its extension.
func rolesOf(extension any) []string {
	var roles []string
	list, _ := extension.([]any)
	for _, role := range list {
		roles = append(roles, fmt.Sprint(role))
	}
	return roles
}

// workOf reads a work class from its extension.
func workOf(extension any) (Work, error) {
	if extension == nil {
		return Light, nil
	}
	text, _ := extension.(string)
	if w := Work(text); w == Heavy || w == Revocation {
		return w, nil
	}
	return Light, fmt.Errorf("x-work is %v; it can be %s or %s", extension, Heavy, Revocation)
}

func queryParameters(parameters openapi3.Parameters) map[string]QueryParameter {
	prepared := map[string]QueryParameter{}
	for _, ref := range parameters {
		if ref.Value.In == openapi3.ParameterInQuery {
			prepared[ref.Value.Name] = readAs(ref.Value.Schema)
		}
	}
	return prepared
}

func readAs(schema *openapi3.SchemaRef) QueryParameter {
	if schema == nil || schema.Value == nil {
		return QueryParameter{}
	}
	boolean := schema.Value.Type.Is(openapi3.TypeBoolean)
	return QueryParameter{Boolean: boolean, Flag: boolean || slices.Contains(schema.Value.Enum, any("true"))}
}

func formFields(body *openapi3.RequestBody) []string {
	form := body.Content.Get("application/x-www-form-urlencoded")
	if form == nil {
		return nil
	}
	var names []string
	for name := range form.Schema.Value.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
