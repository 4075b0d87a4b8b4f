package rolemapping

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// The kinds of rules, as they are named in JSON.
const (
	kindAny    = "any"
	kindAll    = "all"
	kindExcept = "except"
	kindField  = "field"
)

// Rule decides on a user. The zero value is not a rule.
type Rule struct {
	kind string
	// rules are the parts of any and all, and the one that except negates.
	rules []Rule
	// field and values are for the kind field, which holds if one value matches the user's field.
	field  string
	values []value
}

// value is a string, json.Number, bool or nil that a field is compared with.
type value struct {
	json any
	// pattern is set for a text that is a pattern.
	pattern *privilege.Matcher
}

// ParseRule reads a rule from the values of strictjson.Decode. It returns fault.ParseFailed or fault.InvalidData with
// Elasticsearch's texts.
func ParseRule(document any) (Rule, error) { return parseRule("rules", document, false) }

// parseRule reads the rule in the member object of its name. Elasticsearch has except only directly below all.
func parseRule(object string, document any, exceptAllowed bool) (Rule, error) {
	kind, content, err := soleMember(object, document)
	if err != nil {
		return Rule{}, err
	}

	switch {
	case kind == kindAny, kind == kindAll:
		return parseList(kind, content)
	case kind == kindField:
		return parseField(content)
	case kind == kindExcept && exceptAllowed:
		if _, object := content.(map[string]any); !object {
			return Rule{}, unexpected("an object", content)
		}
		negated, err := parseRule(kindExcept, content, false)
		return Rule{kind: kindExcept, rules: []Rule{negated}}, err
	case kind == kindExcept:
		return Rule{}, invalidRules("field [%s] is not allowed within [%s]", kind, object)
	}
	return Rule{}, invalidRules("field [%s] is not recognised in object [%s]", kind, object)
}

func parseList(kind string, content any) (Rule, error) {
	elements, array := content.([]any)
	if !array {
		return Rule{}, invalidRules("field [%s] requires an array", kind)
	}

	rule := Rule{kind: kind}
	for _, element := range elements {
		part, err := parseRule(kind, element, kind == kindAll)
		if err != nil {
			return Rule{}, err
		}
		rule.rules = append(rule.rules, part)
	}
	return rule, nil
}

func parseField(content any) (Rule, error) {
	if _, object := content.(map[string]any); !object {
		return Rule{}, unexpected("an object", content)
	}
	name, given, err := soleMember(kindField, content)
	if err != nil {
		return Rule{}, err
	}

	list, array := given.([]any)
	if !array {
		list = []any{given}
	}
	if name == "" || len(list) == 0 {
		return Rule{}, fault.New(fault.InvalidData, "a field of a rule must have a name, and one value at least")
	}
	if err := checkLength(name); err != nil {
		return Rule{}, err
	}

	rule := Rule{kind: kindField, field: name}
	for _, each := range list {
		parsed, err := parseValue(each)
		if err != nil {
			return Rule{}, err
		}
		rule.values = append(rule.values, parsed)
	}
	return rule, nil
}

// parseValue reads a value. As in Elasticsearch, a text is a pattern if it has an asterisk or begins and ends with a
// slash.
func parseValue(given any) (value, error) {
	switch v := given.(type) {
	case nil, bool:
		return value{json: v}, nil
	case json.Number:
		if _, err := v.Int64(); err != nil {
			return value{}, fault.New(fault.InvalidData, "the number ["+v.String()+"] in a rule must be a whole number")
		}
		return value{json: v}, nil
	case string:
		if err := checkLength(v); err != nil {
			return value{}, err
		}
		if !isPattern(v) {
			return value{json: v}, nil
		}
		compiled, err := privilege.NewMatcher(v)
		if err != nil {
			return value{}, fault.New(fault.InvalidData, err.Error())
		}
		return value{json: v, pattern: &compiled}, nil
	}
	return value{}, unexpected("a field value", given)
}

// maxText bounds the texts of rules, in bytes. Patterns have the same limit.
const maxText = 1024

func checkLength(text string) error {
	if len(text) <= maxText {
		return nil
	}
	return fault.New(fault.InvalidData,
		fmt.Sprintf("a text in a rule has %d bytes, and at most %d are accepted", len(text), maxText))
}

func isPattern(text string) bool {
	return strings.Contains(text, "*") || len(text) > 1 && strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/")
}

// soleMember returns the only member of an object.
func soleMember(object string, document any) (name string, content any, err error) {
	members, ok := document.(map[string]any)
	switch {
	case !ok:
		return "", nil, invalidRules("expected [%s] to be an object but found [%s] instead", object, xcontent.Token(document))
	case len(members) == 0:
		return "", nil, invalidRules("object [%s] does not contain any fields", object)
	case len(members) > 1:
		return "", nil, invalidRules("object [%s] contains multiple fields", object)
	}
	for name, content = range members {
	}
	return name, content, nil
}

func unexpected(wanted string, found any) error {
	return invalidRules("expected %s but found [%s] instead", wanted, xcontent.Token(found))
}

func invalidRules(format string, values ...any) error {
	return fault.New(fault.ParseFailed, "failed to parse rules expression. "+fmt.Sprintf(format, values...))
}

// JSON returns the rule as it is shown and stored. A list of one value is shown as the value.
func (r Rule) JSON() map[string]any {
	switch r.kind {
	case kindField:
		list := make([]any, len(r.values))
		for i, v := range r.values {
			list[i] = v.json
		}
		if len(list) == 1 {
			return map[string]any{kindField: map[string]any{r.field: list[0]}}
		}
		return map[string]any{kindField: map[string]any{r.field: list}}
	case kindExcept:
		return map[string]any{kindExcept: r.rules[0].JSON()}
	}
	list := make([]any, len(r.rules))
	for i, part := range r.rules {
		list[i] = part.JSON()
	}
	return map[string]any{r.kind: list}
}

// charactersOfUnit is how many characters of a text cost as much as one rule.
const charactersOfUnit = 32

// cost estimates the work of reading and evaluating the rule: 1 for each part, and for texts and patterns what their
// size is.
func (r Rule) cost() int {
	sum := 1 + len(r.field)/charactersOfUnit
	for _, part := range r.rules {
		sum += part.cost()
	}
	for _, v := range r.values {
		sum++
		if text, ok := v.json.(string); ok {
			sum += len(text) / charactersOfUnit
		}
		if v.pattern != nil {
			sum += privilege.CostOfPattern(v.json.(string)) //nolint:forcetypeassert // only texts are patterns
		}
	}
	return sum
}
