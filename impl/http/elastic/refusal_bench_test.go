package elastic

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/http/contract"
)

// refusedRequest is a request with a body that is invalid near its end. Without that part it is valid.
type refusedRequest struct {
	operation, path string
	invalid, valid  []byte
	// read reads the body as the handler does, and row words the refusal; nil for a request of the other family.
	read func(contract.Document, *contract.Body) error
	row  operation
}

func refusedRequests() map[string]refusedRequest {
	login := `{"username":"alice@example.com","password":"correct horse battery staple"`
	bulk := bulkBody()
	last := bytes.Index(bulk, []byte(`,"role-4":`))
	end := bytes.Index(bulk, []byte(`},"metadata":{"release"`))
	invalid := bytes.Replace(bulk[last:end], []byte(`"level":3}}`), []byte(`"level":3},"run_as":[1]}`), 1)
	return map[string]refusedRequest{
		"login": {
			operation: "login",
			path:      "/api/v1/users/auth/_login",
			invalid:   []byte(login + `,"user":"bob"}`),
			valid:     []byte(login + `}`),
			read: func(_ contract.Document, body *contract.Body) error {
				var login struct {
					Username string `json:"username"`
					Password string `json:"password"`
				}
				return body.Bind(&login)
			},
		},
		"bulk update": {
			operation: "security-bulk-update-api-keys",
			path:      "/_security/api_key/_bulk_update",
			invalid:   slices.Concat(bulk[:last], invalid, bulk[end:]),
			valid:     slices.Concat(bulk[:last], bulk[end:]),
			read: func(document contract.Document, _ *contract.Body) error {
				_, err := readBulkUpdate(request{body: document.Value(undecodedKeyMembers...)})
				return err
			},
			row: row[bulkUpdate, none]{read: readBulkUpdate},
		},
	}
}

// send returns a request with a body.
func (r refusedRequest) send(b *testing.B, body io.ReadCloser, size int) *http.Request {
	b.Helper()
	sent, err := http.NewRequestWithContext(b.Context(), http.MethodPost, r.path, body)
	if err != nil {
		b.Fatal(err)
	}
	sent.ContentLength = int64(size)
	sent.Header.Set("Content-Type", "application/json")
	return sent
}

// accept validates and reads the valid body.
func (r refusedRequest) accept(b *testing.B, op *contract.Operation) {
	b.Helper()
	body := contract.NewBody(r.valid)
	document, err := op.Validate(r.send(b, body, len(r.valid)), nil)
	if err == nil {
		err = r.read(document, body)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// refuse words the refusal of the invalid body.
func (r refusedRequest) refuse(b *testing.B, op *contract.Operation) {
	b.Helper()
	sent := r.send(b, contract.NewBody(r.invalid), len(r.invalid))
	var err error
	if r.row == nil {
		_, err = op.Validate(sent, nil)
	} else {
		_, err = op.ValidateFor(sent, nil, func(body any) error { return r.row.refuse(request{body: body}) })
	}
	if err == nil || err.Error() == "" {
		b.Fatal("the body is accepted")
	}
}

// refuseStock does what the validating middleware of oapi-codegen does with the invalid body.
func (r refusedRequest) refuseStock(b *testing.B, router routers.Router) {
	b.Helper()
	sent := r.send(b, io.NopCloser(bytes.NewReader(r.invalid)), len(r.invalid))
	route, params, err := router.FindRoute(sent)
	if err != nil {
		b.Fatal(err)
	}
	err = openapi3filter.ValidateRequest(b.Context(), &openapi3filter.RequestValidationInput{
		Request:    sent,
		PathParams: params,
		Route:      route,
		Options:    &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
	if err == nil || err.Error() == "" {
		b.Fatal("the body is accepted")
	}
}

// stockDecoder decodes JSON as kin-openapi does by default.
func stockDecoder(
	body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn,
) (value any, err error) {
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}

// BenchmarkRefusal compares refusing an invalid body, in short rounds in turn, with what the stock middleware takes to
// refuse it, and with accepting the body without the invalid part.
func BenchmarkRefusal(b *testing.B) {
	loaded, err := contract.Load()
	if err != nil {
		b.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		b.Fatal(err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		b.Fatal(err)
	}
	strict := openapi3filter.RegisteredBodyDecoder("application/json")

	round := func(each func()) float64 {
		const requests = 50
		began := time.Now()
		for range requests {
			each()
		}
		return float64(time.Since(began))
	}
	for name, r := range refusedRequests() {
		b.Run(name, func(b *testing.B) {
			op := loaded.With(contract.Options{}).Operation(r.operation)
			var toStock, toAccepting []float64
			for b.Loop() {
				refusing := round(func() { r.refuse(b, op) })
				toAccepting = append(toAccepting, refusing/round(func() { r.accept(b, op) }))

				openapi3filter.RegisterBodyDecoder("application/json", stockDecoder)
				toStock = append(toStock, refusing/round(func() { r.refuseStock(b, router) }))
				openapi3filter.RegisterBodyDecoder("application/json", strict)
			}
			b.ReportMetric(median(toStock), "ratio-stock")
			b.ReportMetric(median(toAccepting), "ratio-accepting")
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
