package schemacheck

import "github.com/getkin/kin-openapi/openapi3"

// Parameter is the compiled schema of a parameter, a string or a boolean. It is safe for concurrent use.
type Parameter struct {
	boolean bool
	text    *textRules
}

// CompileParameter compiles the schema of a parameter of the path, the query string, the headers or the cookies. It
// returns an error if the schema has a keyword or a type that the package does not support, or if the parameter is
// serialized other than by default.
func CompileParameter(p *openapi3.Parameter) (*Parameter, error) {
	if p.Schema == nil || p.Style != "" || p.Explode != nil || p.AllowEmptyValue {
		return nil, unsupported("a parameter with its own serialization")
	}

	s := p.Schema.Value
	if len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) > 0 {
		return nil, unsupported("a choice as parameter")
	}
	if err := checkKeywords(s); err != nil {
		return nil, err
	}

	if s.Type.Is(openapi3.TypeBoolean) && len(s.Enum) == 0 {
		return &Parameter{boolean: true}, nil
	}
	if !s.Type.Is(openapi3.TypeString) {
		return nil, unsupported("a parameter that is neither a string nor a boolean")
	}

	var enum [][]byte
	if len(s.Enum) > 0 {
		var err error
		if enum, err = texts(s.Enum); err != nil {
			return nil, err
		}
	}
	return &Parameter{text: textRulesOf(s, enum)}, nil
}

// Accepts reports whether a decoded value is valid. If it returns false, the value is undecided.
func (p *Parameter) Accepts(value string) bool {
	if p.boolean {
		return value == "true" || value == "false"
	}
	return p.text == nil || p.text.accepts([]byte(value))
}
