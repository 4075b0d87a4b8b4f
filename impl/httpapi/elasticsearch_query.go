package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// queryParameter is how the text of a parameter is read before it is validated.
type queryParameter struct {
	// boolean ones are true or false and nothing else.
	boolean bool
	// flag ones can be true, and are if they have no text.
	flag bool
}

// queryParameters prepares the parameters that a path and its operation take in the query string.
func queryParameters(lists ...openapi3.Parameters) map[string]queryParameter {
	prepared := map[string]queryParameter{}
	for _, ref := range slices.Concat(lists...) {
		if ref.Value.In == openapi3.ParameterInQuery {
			prepared[ref.Value.Name] = readAs(ref.Value.Schema)
		}
	}
	return prepared
}

func readAs(schema *openapi3.SchemaRef) queryParameter {
	if schema == nil || schema.Value == nil {
		return queryParameter{}
	}
	boolean := schema.Value.Type.Is(openapi3.TypeBoolean)
	return queryParameter{boolean: boolean, flag: boolean || slices.Contains(schema.Value.Enum, any("true"))}
}

// pair is one parameter of a query string.
type pair struct{ name, value, raw string }

// pairs takes a query string apart. What belongs together stays as it was written: to decode and encode a list in it once
// more could change what it means.
func pairs(query string) ([]pair, error) {
	var list []pair
	for raw := range strings.SplitSeq(query, "&") {
		if raw == "" {
			continue
		}
		name, value, _ := strings.Cut(raw, "=")
		name, badName := url.QueryUnescape(name)
		value, badValue := url.QueryUnescape(value)
		if badName != nil || badValue != nil || strings.Contains(raw, ";") {
			return nil, fault.New(fault.InvalidData, "the query string cannot be decoded")
		}
		if slices.ContainsFunc(list, func(p pair) bool { return p.name == name }) {
			return nil, fault.New(fault.InvalidData, "the parameter ["+clip(name)+"] is given more than once", name)
		}
		if list = append(list, pair{name, value, raw}); len(list) > maxPairs {
			return nil, fault.New(fault.InvalidData, "the query string has too many parameters")
		}
	}
	return list, nil
}

// maxPairs is more than any operation has parameters.
const maxPairs = 64

func join(list []pair) string {
	var raw []string
	for _, p := range list {
		raw = append(raw, p.raw)
	}
	return strings.Join(raw, "&")
}

// takeCommon reads the parameters that every operation has, and takes them away: the contract does not repeat them.
func (f *face) takeCommon(u *url.URL) {
	given, err := pairs(u.RawQuery)
	if err != nil {
		f.refuse(err)
		return
	}
	var rest []pair
	for _, p := range given {
		if !f.take(p) {
			rest = append(rest, p)
		}
	}
	u.RawQuery = join(rest)
}

// take tells whether a parameter is one of those that every operation has.
func (f *face) take(p pair) bool {
	var human bool // answers have no values that would be shown to people in another way
	var err error
	switch p.name {
	case "pretty":
		err = parseBoolean(p.value, &f.pretty)
	case "human":
		err = parseBoolean(p.value, &human)
	case "error_trace":
		err = parseBoolean(p.value, &f.trace)
	case "filter_path":
		f.filter, err = parseFilter(p.value)
	case "format":
		if p.value != "json" {
			err = fault.New(fault.MediaTypeUnsupported, "format ["+clip(p.value)+"] is not supported, only [json] is", p.name)
		}
	default:
		return false
	}
	if err != nil {
		f.refuse(err)
	}
	return true
}

func parseFilter(list string) (*filterpath.Filter, error) {
	filter, err := filterpath.Parse(list)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidData, err, "the parameter [filter_path] is too long", "filter_path")
	}
	return filter, nil
}

// filtered returns what the request's filter leaves of an answer's body. What is not JSON, as nothing, stays as it is. It returns
// fault.InvalidData if the filter takes too long; what the request has changed by then stays changed.
func (f *face) filtered(ctx context.Context, body []byte) ([]byte, error) {
	if f.filter == nil {
		return body, nil
	}
	kept, err := f.filter.Apply(ctx, body)
	switch {
	case errors.Is(err, filterpath.ErrNotJSON):
		return body, nil
	case errors.Is(err, filterpath.ErrTooMuchWork):
		return nil, fault.Wrap(fault.InvalidData, err, err.Error(), "filter_path")
	}
	return kept, err
}

// parseBoolean takes a parameter without a value for true.
func parseBoolean(text string, target *bool) error {
	switch text {
	case "", "true":
		*target = true
	case "false":
		*target = false
	default:
		return fault.New(fault.InvalidData, "Failed to parse value ["+clip(text)+"] as only [true] or [false] are allowed.")
	}
	return nil
}

// checkQuery refuses what was found to be wrong with the request as a whole, and parameters that the operation does not
// have: a parameter that is misspelt must not be taken for one that is not there.
func checkQuery(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if !op.elasticsearch {
			return next
		}
		return func(c echo.Context) error {
			f := faceOf(c.Request().Context())
			if f.refused != nil {
				return f.refused
			}
			u := c.Request().URL
			given, err := pairs(u.RawQuery)
			if err != nil {
				return err
			}
			if err := op.settleQuery(given, f.path); err != nil {
				return err
			}
			u.RawQuery = join(given)
			return next(c)
		}
	}
}

// settleQuery writes out the values of parameters that have none and need one.
func (op operation) settleQuery(given []pair, path string) error {
	var unknown []string
	names := slices.Sorted(maps.Keys(op.query))
	for i, p := range given {
		parameter, known := op.query[p.name]
		if !known {
			unknown = append(unknown, "["+clip(p.name)+"]"+didYouMean(p.name, names))
		}
		if parameter.flag && p.value == "" {
			given[i].raw = url.QueryEscape(p.name) + "=true"
		}
		var value bool
		if parameter.boolean {
			if err := parseBoolean(p.value, &value); err != nil {
				return err
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	noun := "parameter"
	if len(unknown) > 1 {
		noun = "parameters"
	}
	return fault.New(fault.InvalidData, "request ["+path+"] contains unrecognized "+noun+": "+strings.Join(unknown, ", "))
}

func didYouMean(name string, known []string) string {
	if best := xcontent.Suggest(name, known); best != "" {
		return " -> did you mean [" + best + "]?"
	}
	return ""
}
