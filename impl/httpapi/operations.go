package httpapi

import (
	"fmt"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/authn/identity"
)

// operation is what the contract says about one operation, prepared once so that no request looks anything up.
type operation struct {
	id string
	// permission is what a caller needs; it is the operation's id.
	permission identity.Permission
	// public operations need no credentials.
	public bool
	// elevated operations are for callers with elevated permissions: those with x-requires-elevation in the contract.
	elevated bool
	// work is the operation's work class: x-work in the contract.
	work work
	// body is nil for an operation that takes none.
	body *openapi3.RequestBody
	// validated is what the validator is to check: all but the credentials, which the edge checks by itself and first.
	validated *routers.Route
	// unchecked operations have neither parameters nor a body.
	unchecked bool
	// elasticsearch operations follow Elasticsearch, and have its face.
	elasticsearch bool
	// action is what Elasticsearch calls the operation when it refuses it.
	action string
	// query are the parameters that the operation takes in its query string. Only those of elasticsearch operations are
	// prepared: the others ignore what they do not know.
	query map[string]queryParameter
	// reader words the refusals of the body, or is nil.
	reader bodyReader
}

// contract is the document, which is read once: nobody changes it.
var contract = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.OpenAPI) })

// paths maps each operationId of the contract to its path.
var paths = sync.OnceValue(func() map[string]string {
	byID := map[string]string{}
	if document, err := contract(); err == nil {
		for path, item := range document.Paths.Map() {
			for _, op := range item.Operations() {
				byID[op.OperationID] = path
			}
		}
	}
	return byID
})

// loadOperations prepares the operations of the contract.
func loadOperations() (*openapi3.T, []operation, error) {
	document, err := contract()
	if err != nil {
		return nil, nil, fmt.Errorf("the contract cannot be read: %w", err)
	}
	var operations []operation
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			prepared := prepare(document, path, method, item, op)
			if prepared.work, err = workOf(op.Extensions["x-work"]); err != nil {
				return nil, nil, fmt.Errorf("the contract's operation %s: %w", op.OperationID, err)
			}
			operations = append(operations, prepared)
		}
	}
	return document, operations, nil
}

func prepare(document *openapi3.T, path, method string, item *openapi3.PathItem, op *openapi3.Operation) operation {
	security := document.Security
	if op.Security != nil {
		security = *op.Security
	}
	bare := *op
	bare.Security = &openapi3.SecurityRequirements{}
	prepared := operation{
		id:         op.OperationID,
		permission: identity.Permission(op.OperationID),
		public:     len(security) == 0,
		elevated:   op.Extensions["x-requires-elevation"] == true,
		validated:  &routers.Route{Spec: document, Path: path, PathItem: item, Method: method, Operation: &bare},
		unchecked:  op.RequestBody == nil && len(op.Parameters) == 0 && len(item.Parameters) == 0,
	}
	if op.RequestBody != nil {
		prepared.body = op.RequestBody.Value
	}
	if isElasticsearch(path) {
		prepared.elasticsearch = true
		prepared.action, _ = op.Extensions["x-elasticsearch-action"].(string)
		prepared.query = queryParameters(item.Parameters, op.Parameters)
	}
	return prepared
}
