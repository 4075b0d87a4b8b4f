// Package schemacheck compiles OpenAPI 3.0 schemas to checks of JSON text that need one pass over the text and, as a
// rule, no memory.
//
// A validator that interprets a schema decodes the text first, and then visits each value. A compiled check does
// neither, but it can only accept. What it does not accept is undecided: the text may be invalid, or the check may lack
// what it takes to see that it is valid. The caller then asks the interpreter, here kin-openapi, which also words the
// errors:
//
//	check, err := schemacheck.Compile(schema, schemacheck.Options{Direction: schemacheck.Request, MaxDepth: 64})
//	…
//	if check.Accepts(text) {
//		return schemacheck.Decode(text), nil
//	}
//	return interpret(schema, text)
//
// So a check may be stricter than the interpreter, which costs time, and must never be more lenient, which would be a
// hole. The tests compare both for generated and for changed values.
//
// Beyond the schema, a check requires that the text is exactly one JSON value (RFC 8259) in valid UTF-8, without
// unpaired surrogates, without duplicate members, and nested at most MaxDepth deep.
//
// # Supported keywords
//
//   - type, nullable, enum of strings
//   - minLength, maxLength, pattern, format (as defined in kin-openapi when the schema is compiled; date-time must
//     not be redefined)
//   - minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf
//   - items, minItems, maxItems
//   - properties, required, additionalProperties, minProperties, maxProperties, readOnly, writeOnly
//   - oneOf and anyOf, if the alternatives have different JSON types, so that the value's first byte selects one
//   - allOf with one element
//
// Compile returns an error for any other keyword. Values of a schema that does not compile are for the interpreter.
//
// # Accepted text
//
// Decode and Bind read text that a check has accepted. They do not check it again, which makes them faster than
// encoding/json.
package schemacheck

import "github.com/getkin/kin-openapi/openapi3"

// Direction is the direction in which values are sent. readOnly and writeOnly depend on it.
type Direction int

const (
	// Request values must not have members that are readOnly.
	Request Direction = iota
	// Response values must not have members that are writeOnly.
	Response
)

// Options are the conditions of a check that do not come from the schema.
type Options struct {
	Direction Direction
	// MaxDepth is the maximum nesting of objects and arrays.
	MaxDepth int
}

// Check is a compiled schema. It is safe for concurrent use.
type Check struct {
	root     *rules
	maxDepth int
	exact    bool
}

// Compile compiles a schema with all that it refers to. It returns an error if the schema has a keyword that the
// package does not support.
func Compile(schema *openapi3.Schema, options Options) (*Check, error) {
	c := compiler{direction: options.Direction, compiled: map[*openapi3.Schema]*rules{}, exact: true}
	root, err := c.compile(schema)
	if err == nil {
		err = c.mergeChoices()
	}
	if err != nil {
		return nil, err
	}
	return &Check{root: root, maxDepth: options.MaxDepth, exact: c.exact}, nil
}

// Accepts reports whether the text is one valid value of the schema. If it returns false, the text is undecided.
func (c *Check) Accepts(text []byte) bool { return scan(text, c.root, c.maxDepth) }

// Valid reports whether the text meets all that Check.Accepts requires beyond a schema.
func Valid(text []byte, maxDepth int) bool { return scan(text, anything, maxDepth) }

// Exact reports whether all members of an accepted text that the schema describes have exactly the described name. If
// not, a decoder that ignores the case of names, such as encoding/json, could read another member than the one that was
// checked.
func (c *Check) Exact() bool { return c.exact }
