package control

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
)

func TestMaskBody(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct{ mediaType, encoding, body, want string }{
		"no secrets":          {"application/json", "", `{"b": [1.50, "x"], "a": null}`, `{"a":null,"b":[1.50,"x"]}`},
		"password":            {"application/json", "", `{"password": "x", "name": "y"}`, `{"name":"y","password":"[masked]"}`},
		"other case":          {"application/json", "", `{"PassWord": "x"}`, `{"PassWord":"[masked]"}`},
		"escaped name":        {"application/json", "", `{"pass\u0077ord": "x"}`, `{"password":"[masked]"}`},
		"twice":               {"application/json", "", `{"password": "x", "password": 1}`, `{"password":"[masked]"}`},
		"nested":              {"application/json", "", `[{"a": [{"token": {"b": "x"}}]}]`, `[{"a":[{"token":"[masked]"}]}]`},
		"null":                {"application/json", "", `{"password": null}`, `{"password":null}`},
		"other media type":    {"text/plain", "", `{"token": "x"}`, `{"token":"[masked]"}`},
		"form":                {form, "", "SAMLResponse=x&RelayState=y&a=b", "RelayState=%5Bmasked%5D&SAMLResponse=%5Bmasked%5D&a=b"},
		"malformed form":      {form, "", "password=x;%zz", Masked},
		"malformed JSON":      {"application/json", "", `{"password": "x"`, Masked},
		"two JSON values":     {"application/json", "", `{} {"password": "x"}`, Masked},
		"text":                {"application/json", "", `"a password"`, Masked},
		"compressed":          {"application/json", "gzip", `{"a": 1}`, Masked},
		"form that is JSON":   {"", "", "password=x", Masked},
		"parameters of media": {form + "; charset=UTF-8", "", "password=x", "password=%5Bmasked%5D"},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Content-Type": {c.mediaType}}
			if c.encoding != "" {
				header.Set("Content-Encoding", c.encoding)
			}
			if got := maskBody(header, []byte(c.body), false); got != c.want {
				t.Errorf("it is %s", got)
			}
		})
	}
	t.Run("cut", func(t *testing.T) {
		if got := maskBody(http.Header{}, []byte(`{"a": 1}`), true); got != Masked {
			t.Errorf("it is %s", got)
		}
	})
}

func TestMaskHeader(t *testing.T) {
	t.Parallel()
	got := maskHeader(http.Header{
		"Authorization":              {"ApiKey x", "x", "x y"},
		"Es-Secondary-Authorization": {"Basic x"},
		"Cookie":                     {"a=b"},
		"Accept":                     {"text/html"},
	})
	for name, want := range map[string]string{
		"Authorization":              "ApiKey [masked], [masked], [masked]",
		"Es-Secondary-Authorization": "Basic [masked]",
		"Cookie":                     "[masked]",
		"Accept":                     "text/html",
	} {
		if values := strings.Join(got[name], ", "); values != want {
			t.Errorf("%s is %s", name, values)
		}
	}
}

// Ensures that each secret in the requests of the contract is masked, by its name or that of an object around it.
func TestMask_Contract(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	secrets := 0
	for _, item := range document.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			for _, content := range op.RequestBody.Value.Content {
				for _, path := range secretPaths(content.Schema, nil, map[*openapi3.Schema]bool{}) {
					secrets++
					if !slices.ContainsFunc(path, secretName) {
						t.Errorf("%s: %s is not masked", op.OperationID, strings.Join(path, "."))
					}
				}
			}
		}
	}
	if secrets < 20 {
		t.Errorf("only %d secrets were found: are they marked with format: password?", secrets)
	}
}

// secretPaths returns the paths of the members of a schema that are passwords.
func secretPaths(ref *openapi3.SchemaRef, path []string, above map[*openapi3.Schema]bool) (found [][]string) {
	if ref == nil || ref.Value == nil || above[ref.Value] {
		return nil
	}
	s := ref.Value
	above[s] = true
	defer delete(above, s)
	if s.Format == "password" {
		found = append(found, path)
	}
	for name, member := range s.Properties {
		found = append(found, secretPaths(member, append(slices.Clip(path), name), above)...)
	}
	for _, list := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf, {s.Items, s.AdditionalProperties.Schema}} {
		for _, part := range list {
			found = append(found, secretPaths(part, path, above)...)
		}
	}
	return found
}
