package contract

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// UnknownMembers returns the sorted JSON pointers (RFC 6901) of the members of a response's body that its schema does
// not name. CheckResponse allows them, because a later version may add members; a comparison with what is published
// does not. It returns nil if the status has no schema, or the operation no checks of responses (Options.Responses).
func (op *Operation) UnknownMembers(status int, body []byte) []string {
	if op.responses == nil {
		return nil
	}
	check := op.responses.of(status)
	if check == nil || check.schema == nil {
		return nil
	}

	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil // CheckResponse reports it
	}
	found := unknownMembers([]*openapi3.Schema{check.schema}, value, nil)
	slices.Sort(found)
	return slices.Compact(found)
}

// unknownMembers returns the pointers of members that none of the schemas names. Schemas that hold together, or of
// which one holds, are alternatives here: each names members that the value may have.
func unknownMembers(schemas []*openapi3.Schema, value any, steps []string) (found []string) {
	schemas = alternatives(schemas)
	switch value := value.(type) {
	case map[string]any:
		if slices.ContainsFunc(schemas, isFree) {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at := append(slices.Clone(steps), name)
			if of := membersOf(schemas, name); of == nil {
				found = append(found, pointer(at))
			} else {
				found = append(found, unknownMembers(of, value[name], at)...)
			}
		}
	case []any:
		var items []*openapi3.Schema
		for _, schema := range schemas {
			if schema.Items != nil {
				items = append(items, schema.Items.Value)
			}
		}
		for i, item := range value {
			found = append(found, unknownMembers(items, item, append(slices.Clone(steps), strconv.Itoa(i)))...)
		}
	}
	return found
}

// alternatives returns schemas with all those that they are made of.
func alternatives(schemas []*openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	for _, schema := range schemas {
		all = append(all, schema)
		for _, parts := range []openapi3.SchemaRefs{schema.AllOf, schema.OneOf, schema.AnyOf} {
			for _, part := range parts {
				all = append(all, alternatives([]*openapi3.Schema{part.Value})...)
			}
		}
	}
	return all
}

// isFree reports whether a schema of an object names no members.
func isFree(s *openapi3.Schema) bool {
	if s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has {
		return true
	}
	return len(s.Properties) == 0 && s.AdditionalProperties.Schema == nil && s.AdditionalProperties.Has == nil &&
		len(s.AllOf)+len(s.OneOf)+len(s.AnyOf) == 0
}

// membersOf returns the schemas of a member, or nil if no schema names it.
func membersOf(schemas []*openapi3.Schema, name string) (of []*openapi3.Schema) {
	for _, schema := range schemas {
		if property := schema.Properties[name]; property != nil {
			of = append(of, property.Value)
		} else if schema.AdditionalProperties.Schema != nil {
			of = append(of, schema.AdditionalProperties.Schema.Value)
		}
	}
	return of
}
