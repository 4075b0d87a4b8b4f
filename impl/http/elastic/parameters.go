package elastic

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// pair is one parameter of a query string.
type pair struct{ name, value, raw string }

// pairs splits a query string. It keeps the raw text of each parameter, because decoding and encoding a list could
// change its meaning.
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
			return nil, fault.New(
				fault.InvalidData,
				"the parameter ["+contract.Clip(name)+"] is given more than once",
				name,
			)
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
	return strings.Join(convert.Each(list, func(p pair) string { return p.raw }), "&")
}

// takeCommon reads the parameters that every operation has, and removes them: the contract does not repeat them.
func (x *exchange) takeCommon(u *url.URL) {
	given, err := pairs(u.RawQuery)
	if err != nil {
		x.refuse(err)
		return
	}

	var rest []pair
	for _, p := range given {
		if !x.take(p) {
			rest = append(rest, p)
		}
	}

	u.RawQuery = join(rest)
}

// take reports whether a parameter is one of those that every operation has.
func (x *exchange) take(p pair) bool {
	var human bool // has no effect: no response has a human-readable form
	var err error
	switch p.name {
	case "pretty":
		err = parseBoolean(p.value, &x.pretty)
	case "human":
		err = parseBoolean(p.value, &human)
	case "error_trace":
		err = parseBoolean(p.value, &x.trace)
	case "filter_path":
		x.filter, err = parseFilter(p.value)
	case "format":
		if p.value != "json" {
			err = fault.New(
				fault.MediaTypeUnsupported,
				"format ["+contract.Clip(p.value)+"] is not supported, only [json] is",
				p.name,
			)
		}
	default:
		return false
	}

	if err != nil {
		x.refuse(err)
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

// parseBoolean reads a boolean parameter. Without a value it is true.
func parseBoolean(text string, target *bool) error {
	switch text {
	case "", "true":
		*target = true
	case "false":
		*target = false
	default:
		return fault.New(
			fault.InvalidData,
			"Failed to parse value ["+contract.Clip(text)+"] as only [true] or [false] are allowed.",
		)
	}

	return nil
}

// takeOwn reads the operation's own parameters. It sets boolean parameters without a value to true.
func (x *exchange) takeOwn(r *http.Request, op *contract.Operation) error {
	u := r.URL
	given, err := pairs(u.RawQuery)
	if err != nil {
		return err
	}
	if op.Extension(sourceExtension) != "" && r.ContentLength <= 0 {
		if given, err = x.takeSource(given); err != nil {
			return err
		}
	}

	var unknown []string
	x.query = map[string]string{}
	if len(given) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(op.Query))
	for i, p := range given {
		parameter, known := op.Query[p.name]
		if !known || slices.Contains(x.api.Speaks.Parameters, p.name) {
			unknown = append(unknown, "["+contract.Clip(p.name)+"]"+didYouMean(p.name, names))
		}
		if parameter.Flag && p.value == "" {
			p.value = "true"
			given[i].raw = url.QueryEscape(p.name) + "=true"
		}
		var value bool
		if parameter.Boolean {
			if err := parseBoolean(p.value, &value); err != nil {
				return err
			}
		}
		x.query[p.name] = p.value
	}

	if len(unknown) > 0 {
		return unrecognized(x.path, unknown)
	}

	u.RawQuery = join(given)
	return nil
}

// sourceExtension marks the operations that take their body from the query string, if there is none.
const sourceExtension = "x-elasticsearch-source"

// takeSource reads and removes the parameters that stand for the body of a request without one: some clients cannot
// send a body with GET.
func (x *exchange) takeSource(given []pair) (rest []pair, err error) {
	var source, contentType *string
	for i, p := range given {
		switch p.name {
		case "source":
			source = &given[i].value
		case "source_content_type":
			contentType = &given[i].value
		default:
			rest = append(rest, p)
		}
	}

	switch {
	case source == nil && contentType == nil:
		return given, nil
	case source == nil || contentType == nil:
		return nil, fault.New(fault.InvalidData, "source and source_content_type parameters are required",
			"source", "source_content_type")
	}
	if m, ok := parseMediaType(*contentType); !ok || !m.json() {
		return nil, fault.New(fault.InvalidData,
			"Unknown value for source_content_type ["+contract.Clip(*contentType)+"]", "source_content_type")
	}
	x.source, x.sourceType = *source, *contentType
	return rest, nil
}

func unrecognized(path string, unknown []string) error {
	slices.Sort(unknown)
	noun := "parameter"
	if len(unknown) > 1 {
		noun = "parameters"
	}
	return fault.New(
		fault.InvalidData,
		"request ["+path+"] contains unrecognized "+noun+": "+strings.Join(unknown, ", "),
	)
}

func didYouMean(name string, known []string) string {
	if best := xcontent.Suggest(name, known); best != "" {
		return " -> did you mean [" + best + "]?"
	}
	return ""
}
