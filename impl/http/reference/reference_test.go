package reference

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/api"
)

// known are the extensions that readers of the contract see. Each is explained in the contract or by its values.
var known = map[string]bool{
	"x-cloud-error-codes": true, "x-elasticsearch-action": true, "x-extension": true, "x-requires-elevation": true,
	"x-roles": true, "x-work": true, "x-without-cluster": true, "x-elasticsearch-source": true,
	"x-deprecated-since": true, "x-sunset": true,
}

func get(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	recorder := httptest.NewRecorder()
	Before(http.NotFoundHandler()).ServeHTTP(recorder, r)
	response := recorder.Result()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// Ensures that both documents have the whole contract, without the extensions of generators.
func TestDocument(t *testing.T) {
	var want, fromYAML, fromJSON any
	_, asYAML := get(t, "GET", "/openapi.yaml")
	_, asJSON := get(t, "GET", "/openapi.json")
	if err := yaml.Unmarshal(api.OpenAPI, &want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(asYAML), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(asJSON), &fromJSON); err != nil {
		t.Fatal(err)
	}

	normalize := func(value any) any {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var normal any
		if err := json.Unmarshal(text, &normal); err != nil {
			t.Fatal(err)
		}
		return normal
	}
	reduced := normalize(want)
	removeFrom(reduced)
	if !reflect.DeepEqual(reduced, normalize(fromYAML)) {
		t.Error("/openapi.yaml is not the contract")
	}
	if !reflect.DeepEqual(reduced, fromJSON) {
		t.Error("/openapi.json is not the contract")
	}
	if strings.Index(asJSON, `"/api/v1/users"`) > strings.Index(asJSON, `"/_security/api_key"`) {
		t.Error("/openapi.json does not have the order of the contract")
	}
}

// Ensures that the contract of ECE's family has its operations, each with the path that it has below /api/v1, and that
// all that it refers to is there, and nothing else.
func TestDocument_ECE(t *testing.T) {
	whole, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/openapi-ece.yaml", "/openapi-ece.json", eceDocument} {
		t.Run(path, func(t *testing.T) {
			_, text := get(t, "GET", path)
			family, err := openapi3.NewLoader().LoadFromData([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := family.Validate(t.Context()); err != nil {
				t.Error(err)
			}
			for path, item := range whole.Paths.Map() {
				below, isECE := strings.CutPrefix(path, "/api/v1")
				for method, op := range item.Operations() {
					if !isECE {
						continue
					}
					got := family.Paths.Value(below)
					if got == nil || got.GetOperation(method) == nil || got.GetOperation(method).OperationID != op.OperationID {
						t.Errorf("%s %s is missing", method, path)
					}
				}
				if !isECE && family.Paths.Value(path) != nil {
					t.Errorf("%s is not of ECE's family", path)
				}
			}
			for name := range family.Components.Schemas {
				if strings.Count(text, "#/components/schemas/"+name+`"`)+
					strings.Count(text, "#/components/schemas/"+name+"'") == 0 {
					t.Errorf("nothing refers to the schema %s", name)
				}
			}
			if tag := family.Tags.Get("ElasticsearchSecurity"); tag != nil {
				t.Error("a tag without operations is left")
			}
		})
	}
}

func removeFrom(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if strings.HasPrefix(name, "x-") && !known[name] {
				delete(value, name)
				continue
			}
			removeFrom(member)
		}
	case []any:
		for _, element := range value {
			removeFrom(element)
		}
	}
}

// Ensures that each extension of the contract is either for readers or for generators.
func TestDocument_Extensions(t *testing.T) {
	for _, found := range regexp.MustCompile(`[ {](x-[a-z-]+):`).FindAllSubmatch(api.OpenAPI, -1) {
		if name := string(found[1]); known[name] == forGenerators(name) {
			t.Errorf("%s is neither only for readers nor only for generators", name)
		}
	}
}

// Ensures that the documents, and nothing else, can be read by pages of all sites.
func TestServe_Headers(t *testing.T) {
	for path, shared := range map[string]bool{
		"/openapi.yaml": true, "/openapi.json": true, "/openapi-ece.yaml": true, "/openapi-ece.json": true,
		eceDocument: true, "/docs/": false, "/docs/swagger-ui-bundle.js": false,
		"/docs/reference.js": false, "/docs/LICENSE": false, "/favicon.ico": false,
	} {
		t.Run(path, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				response, _ := get(t, method, path)
				h := response.Header
				if response.StatusCode != http.StatusOK || (h.Get("Access-Control-Allow-Origin") == "*") != shared ||
					h.Get("Content-Security-Policy") != policy || h.Get("Etag") == "" {
					t.Errorf("%s: got %d %v", method, response.StatusCode, h)
				}
			}
			if r, _ := get(t, "POST", path); r.StatusCode != http.StatusMethodNotAllowed ||
				r.Header.Get("Access-Control-Allow-Origin") != "" || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("POST: %d %v", r.StatusCode, r.Header)
			}
		})
	}
}

// Ensures that other paths are left to the next handler.
func TestServe_Others(t *testing.T) {
	if r, body := get(t, "GET", "/openapi.yml"); r.StatusCode != http.StatusNotFound || body != "404 page not found\n" {
		t.Errorf("another path: %d %q", r.StatusCode, body)
	}
	if r, body := get(t, "GET", "/docs/missing"); r.StatusCode != http.StatusNotFound || !strings.Contains(body, "file") {
		t.Errorf("a missing file: %d %q", r.StatusCode, body)
	}
	if r, _ := get(t, "GET", "/docs"); r.StatusCode != http.StatusPermanentRedirect || r.Header.Get("Location") != Prefix {
		t.Errorf("/docs: %d %v", r.StatusCode, r.Header)
	}
}
