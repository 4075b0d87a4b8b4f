package schemacheck

import (
	"fmt"
	"math"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// compiler compiles one schema and those that it refers to, each once, because schemas may be recursive.
type compiler struct {
	direction Direction
	compiled  map[*openapi3.Schema]*rules
	// choices are merged last, because an alternative of one may be compiled after it.
	choices []*choice
	exact   bool
}

// choice are rules that take over those of their alternatives.
type choice struct {
	rules        *rules
	alternatives []*rules
	merging      bool
}

func unsupported(keyword string) error {
	return fmt.Errorf("schemacheck: %s is not supported", keyword)
}

func (c *compiler) compile(schema *openapi3.Schema) (*rules, error) {
	if schema == nil {
		return nil, unsupported("a reference that is not resolved")
	}
	if r, known := c.compiled[schema]; known {
		return r, nil
	}

	r := &rules{}
	c.compiled[schema] = r
	if schema.IsEmpty() {
		r.kinds = notNull
		return r, nil
	}

	if schema.Nullable {
		r.kinds |= nullKind
	}
	if len(schema.OneOf)+len(schema.AnyOf)+len(schema.AllOf) > 0 {
		return r, c.compileChoice(r, schema)
	}
	if err := checkKeywords(schema); err != nil {
		return nil, err
	}
	return r, c.fill(r, schema)
}

// checkKeywords refuses keywords that apply to a value of any type, and those of OpenAPI 3.1.
func checkKeywords(s *openapi3.Schema) error {
	switch {
	case s.Not != nil:
		return unsupported("not")
	case s.Discriminator != nil:
		return unsupported("discriminator")
	case s.UniqueItems:
		return unsupported("uniqueItems")
	case s.AllowEmptyValue:
		return unsupported("allowEmptyValue")
	case s.Type.IsMultiple(), s.Type.IncludesNull(), s.Type != nil && s.Type.IsEmpty():
		return unsupported("type with other than one name")
	case s.ExclusiveMin.Value != nil, s.ExclusiveMax.Value != nil:
		return unsupported("a number for exclusiveMinimum or exclusiveMaximum")
	case s.Always != nil, s.Const != nil, s.Contains != nil, s.PropertyNames != nil, s.If != nil,
		s.Then != nil, s.Else != nil, s.ContentSchema != nil, s.MinContains != nil, s.MaxContains != nil,
		s.UnevaluatedItems.Has != nil, s.UnevaluatedItems.Schema != nil,
		s.UnevaluatedProperties.Has != nil, s.UnevaluatedProperties.Schema != nil,
		len(s.PrefixItems)+len(s.PatternProperties)+len(s.DependentSchemas)+len(s.DependentRequired)+len(s.Defs) > 0:
		return unsupported("a keyword of OpenAPI 3.1")
	}
	return nil
}

// typeKinds are the JSON types by their names in a schema.
var typeKinds = map[string]kinds{
	openapi3.TypeBoolean: booleanKind,
	openapi3.TypeInteger: numberKind,
	openapi3.TypeNumber:  numberKind,
	openapi3.TypeString:  textKind,
	openapi3.TypeArray:   arrayKind,
	openapi3.TypeObject:  objectKind,
}

func (c *compiler) fill(r *rules, s *openapi3.Schema) (err error) {
	allowed := notNull
	if s.Type != nil {
		allowed = typeKinds[s.Type.Slice()[0]]
	}

	var enum [][]byte
	if len(s.Enum) > 0 {
		allowed &= textKind
		if enum, err = texts(s.Enum); err != nil {
			return err
		}
	}

	r.kinds |= allowed
	if allowed&numberKind != 0 {
		r.number = numberRulesOf(s)
	}
	if allowed&textKind != 0 {
		r.text = textRulesOf(s, enum)
	}
	if allowed&arrayKind != 0 {
		if r.array, err = c.arrayRulesOf(s); err != nil {
			return err
		}
	}
	if allowed&objectKind != 0 {
		r.object, err = c.objectRulesOf(s)
	}
	return err
}

func texts(values []any) ([][]byte, error) {
	texts := make([][]byte, len(values))
	for i, each := range values {
		value, ok := each.(string)
		if !ok {
			return nil, unsupported("enum with other than strings")
		}
		texts[i] = []byte(value)
	}
	return texts, nil
}

func numberRulesOf(s *openapi3.Schema) *numberRules {
	r := &numberRules{
		integer:      s.Type.Is(openapi3.TypeInteger),
		min:          value(s.Min, math.Inf(-1)),
		max:          value(s.Max, math.Inf(1)),
		exclusiveMin: value(s.ExclusiveMin.Bool, false),
		exclusiveMax: value(s.ExclusiveMax.Bool, false),
		multipleOf:   value(s.MultipleOf, 0),
	}
	if r.integer {
		r.integerFormat = openapi3.SchemaIntegerFormats[s.Format]
	} else {
		r.numberFormat = openapi3.SchemaNumberFormats[s.Format]
	}
	return r
}

// value returns what a pointer refers to, or a default.
func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// limit returns a limit on a number of elements. There is none if the schema's does not fit an int.
func limit(most *uint64) int {
	if most == nil || *most > math.MaxInt {
		return math.MaxInt
	}
	return int(*most)
}

// least is limit for a minimum.
func least(n uint64) int { return limit(&n) }

// textRulesOf returns nil if the schema restricts no strings.
func textRulesOf(s *openapi3.Schema, enum [][]byte) *textRules {
	r := &textRules{
		enum:     enum,
		min:      least(s.MinLength),
		max:      limit(s.MaxLength),
		format:   openapi3.SchemaStringFormats[s.Format],
		dateTime: s.Format == "date-time",
	}
	if s.Pattern != "" {
		r.pattern = &openapi3.Schema{Pattern: s.Pattern}
	}
	if r.enum == nil && r.pattern == nil && r.format == nil && s.MinLength == 0 && s.MaxLength == nil {
		return nil
	}
	return r
}

func (c *compiler) arrayRulesOf(s *openapi3.Schema) (*arrayRules, error) {
	r := &arrayRules{items: anything, min: least(s.MinItems), max: limit(s.MaxItems)}
	if s.Items == nil {
		return r, nil
	}
	var err error
	r.items, err = c.compile(s.Items.Value)
	return r, err
}

func (c *compiler) objectRulesOf(s *openapi3.Schema) (*objectRules, error) {
	r := &objectRules{min: least(s.MinProps), max: limit(s.MaxProps)}
	var err error
	if r.others, err = c.othersOf(s); err != nil {
		return nil, err
	}

	for name, ref := range s.Properties {
		compiled, err := c.compile(ref.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.properties = append(r.properties, property{name, compiled, c.forbids(ref.Value)})
	}
	if len(r.properties) > 0 && r.others != nil {
		c.exact = false
	}

	// A required member need not be a property.
	for _, name := range s.Required {
		if s.Properties[name] == nil && r.others == nil {
			return nil, unsupported("required with a name that additionalProperties does not allow")
		}
		if s.Properties[name] == nil {
			r.properties = append(r.properties, property{name: name, rules: r.others})
		}
	}
	return r, r.prepare(s.Required)
}

// forbids reports whether the direction does not allow a property.
func (c *compiler) forbids(s *openapi3.Schema) bool {
	return c.direction == Request && s.ReadOnly || c.direction == Response && s.WriteOnly
}

// othersOf returns the rules of the members that are no properties.
func (c *compiler) othersOf(s *openapi3.Schema) (*rules, error) {
	switch others := s.AdditionalProperties; {
	case others.Has != nil && !*others.Has:
		return nil, nil
	case others.Schema != nil:
		return c.compile(others.Schema.Value)
	}
	return anything, nil
}

// prepare sorts the properties, so that compiling the same schema gives the same check, and sets their bits.
func (r *objectRules) prepare(required []string) error {
	if len(r.properties) > maxProperties {
		return unsupported(fmt.Sprintf("an object with more than %d properties", maxProperties))
	}

	slices.SortFunc(r.properties, func(a, b property) int { return compareNames(a.name, b.name) })
	if len(r.properties) > maxCompared {
		r.index = map[string]int{}
	}
	for i, each := range r.properties {
		if r.index != nil {
			r.index[each.name] = i
		}
		if slices.Contains(required, each.name) && !each.forbidden {
			r.required |= 1 << i
		}
	}
	return nil
}

// compareNames orders names by length first, because names of different lengths are compared fastest.
func compareNames(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	return 1
}

// compileChoice compiles a schema that consists of alternatives.
func (c *compiler) compileChoice(r *rules, s *openapi3.Schema) error {
	rest := *s
	rest.OneOf, rest.AnyOf, rest.AllOf, rest.Nullable, rest.ReadOnly, rest.WriteOnly = nil, nil, nil, false, false, false
	switch {
	case s.Discriminator != nil:
		return unsupported("discriminator")
	case len(s.AllOf) > 1:
		return unsupported("allOf with more than one element")
	case !rest.IsEmpty(), len(s.OneOf) > 0 && len(s.AnyOf) > 0, len(s.OneOf)+len(s.AnyOf) > 0 && len(s.AllOf) > 0:
		return unsupported("oneOf, anyOf or allOf beside another keyword")
	}

	ch := &choice{rules: r}
	for _, each := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		alternative, err := c.compile(each.Value)
		if err != nil {
			return err
		}
		ch.alternatives = append(ch.alternatives, alternative)
	}
	c.choices = append(c.choices, ch)
	return nil
}

func (c *compiler) mergeChoices() error {
	for len(c.choices) > 0 {
		if err := c.merge(c.choices[0]); err != nil {
			return err
		}
	}
	return nil
}

// merge gives a choice the rules of its alternatives. Those that are choices themselves are merged first.
func (c *compiler) merge(ch *choice) error {
	if ch.merging {
		return unsupported("an alternative that contains itself")
	}

	ch.merging = true
	nullable := ch.rules.kinds & nullKind
	for _, each := range ch.alternatives {
		if i := slices.IndexFunc(c.choices, func(other *choice) bool { return other.rules == each }); i >= 0 {
			if err := c.merge(c.choices[i]); err != nil {
				return err
			}
		}
		if err := ch.rules.take(each, nullable); err != nil {
			return err
		}
	}

	c.choices = slices.DeleteFunc(c.choices, func(other *choice) bool { return other == ch })
	return nil
}

// take adds the rules of an alternative. Null needs none of the alternatives if the choice itself is nullable.
func (r *rules) take(alternative *rules, nullable kinds) error {
	if r.kinds&alternative.kinds&^nullable != 0 {
		return unsupported("a choice between alternatives of the same type")
	}

	r.kinds |= alternative.kinds
	if alternative.kinds&numberKind != 0 {
		r.number = alternative.number
	}
	if alternative.kinds&textKind != 0 {
		r.text = alternative.text
	}
	if alternative.kinds&arrayKind != 0 {
		r.array = alternative.array
	}
	if alternative.kinds&objectKind != 0 {
		r.object = alternative.object
	}
	return nil
}
