package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Ensures that the check of every answer refuses members that the contract does not declare, at any depth: no schema of
// an answer is an open object, except for those that hold what a caller stored.
func TestAnswers_Closed(t *testing.T) {
	t.Parallel()
	c := closedness{seen: map[*openapi3.Schema]bool{}}
	for path, item := range contract.Paths.Map() {
		for method, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				if method == http.MethodHead {
					continue
				}
				for mediaType, content := range response.Value.Content {
					c.visit(content.Schema, method+" "+path+" "+status+" "+mediaType)
				}
			}
		}
	}
	for _, place := range c.open {
		t.Errorf("%s takes any member: name the schema, or declare its additionalProperties", place)
	}
	if len(c.seen) < 100 {
		t.Errorf("only %d schemas were found", len(c.seen))
	}
}

// closedness finds schemas of open objects.
type closedness struct {
	seen map[*openapi3.Schema]bool
	open []string
}

func (c *closedness) visit(ref *openapi3.SchemaRef, place string) {
	if ref == nil || c.seen[ref.Value] {
		return
	}
	c.seen[ref.Value] = true
	if ref.Ref != "" {
		place = ref.Ref
	}
	schema := ref.Value
	variants := append(append(append(openapi3.SchemaRefs{}, schema.OneOf...), schema.AnyOf...), schema.AllOf...)
	values := schema.AdditionalProperties
	closed := values.Schema != nil || values.Has != nil && !*values.Has
	switch {
	case strings.HasSuffix(place, "/FreeObject"):
	case schema.Type.Is(openapi3.TypeObject), len(schema.Properties) > 0:
		if !closed {
			c.open = append(c.open, place)
		}
	case schema.Type == nil && len(variants) == 0 && len(schema.Enum) == 0:
		c.open = append(c.open, place)
	}

	for _, variant := range variants {
		c.visit(variant, place)
	}
	for name, property := range schema.Properties {
		c.visit(property, place+"."+name)
	}
	c.visit(values.Schema, place+".*")
	c.visit(schema.Items, place+"[]")
}
