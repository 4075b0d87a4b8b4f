package costtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
)

// operation is one operation of the contract.
type operation struct {
	id, method, path string
	query            []string // names of parameters
	cookies          []string
	elasticsearch    bool
	form             bool // the body is a form, and no JSON
	slot             bool // the operation takes a work slot however small the request is
	// documents are valid bodies.
	documents []any
}

// operations returns all operations of the contract, in the order of their ids.
func operations(tb testing.TB) []operation {
	tb.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		tb.Fatal(err)
	}
	var found []operation
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{id: op.OperationID, method: method, path: path, elasticsearch: path == "/" ||
				strings.HasPrefix(path, "/_")}
			_, o.slot = op.Extensions["x-work"]
			for _, parameter := range slices.Concat(item.Parameters, op.Parameters) {
				switch parameter.Value.In {
				case openapi3.ParameterInQuery:
					o.query = append(o.query, parameter.Value.Name)
				case openapi3.ParameterInCookie:
					o.cookies = append(o.cookies, parameter.Value.Name)
				}
			}
			o.addDocuments(tb, op.RequestBody)
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return found
}

// addDocuments takes the example of the contract, a document with everything that the schema has, and those of
// moreDocuments.
func (o *operation) addDocuments(tb testing.TB, body *openapi3.RequestBodyRef) {
	tb.Helper()
	if body == nil {
		return
	}
	for mediaType, content := range body.Value.Content {
		o.form = o.form || !strings.HasSuffix(mediaType, "json")
		if content.Example != nil {
			o.documents = append(o.documents, content.Example)
		}
		o.documents = append(o.documents, full(content.Schema.Value, 6))
	}
	more := moreDocuments[strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(o.id, "-post"), "-put"), "-get")]
	for _, text := range more {
		var document any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
		o.documents = append(o.documents, document)
	}
}

// full returns a value with all that a schema has, up to a depth. Of alternatives it takes the one that holds most.
func full(schema *openapi3.Schema, depth int) any {
	switch {
	case schema.Example != nil:
		return schema.Example
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case len(schema.OneOf) > 0:
		return full(schema.OneOf[len(schema.OneOf)-1].Value, depth)
	case len(schema.AllOf) > 0:
		return full(schema.AllOf[0].Value, depth)
	case schema.Type.Is(openapi3.TypeBoolean):
		return true
	case schema.Type.Is(openapi3.TypeInteger), schema.Type.Is(openapi3.TypeNumber):
		return 1
	case schema.Type.Is(openapi3.TypeArray) && depth > 0:
		return []any{full(schema.Items.Value, depth-1)}
	case schema.Type.Is(openapi3.TypeArray):
		return []any{}
	case schema.Type.Is(openapi3.TypeObject):
		return fullObject(schema, depth)
	}
	return "a"
}

func fullObject(schema *openapi3.Schema, depth int) any {
	object := map[string]any{}
	if depth == 0 {
		return object
	}
	for name, property := range schema.Properties {
		object[name] = full(property.Value, depth-1)
	}
	if more := schema.AdditionalProperties.Schema; more != nil {
		object["m"] = full(more.Value, depth-1)
	}
	if len(object) == 0 {
		object["free"] = "a"
	}
	return object
}

// moreDocuments are bodies with parts that the contract leaves open.
var moreDocuments = map[string][]string{
	"security-query-api-keys": {
		`{"query":{"bool":{"must":[{"term":{"name":"key1"}}],"should":[{"prefix":{"metadata.a":"a"}}],` +
			`"must_not":{"ids":{"values":["a"]}},"filter":{"exists":{"field":"metadata.a"}}}}}`,
		`{"query":{"wildcard":{"metadata.a":{"value":"*a","case_insensitive":true}}}}`,
		`{"query":{"wildcard":{"name":"*a"}},"size":1}`,
		`{"query":{"prefix":{"metadata.a":{"value":"a","case_insensitive":true}}}}`,
		`{"query":{"terms":{"metadata.a":["a"]}}}`,
		`{"query":{"match":{"metadata.a":{"query":"a","fuzziness":"AUTO","operator":"or"}}}}`,
		`{"query":{"simple_query_string":{"query":"a~2 | a*","fields":["metadata.*"],"default_operator":"and"}}}`,
		`{"query":{"range":{"creation":{"gte":"now-1d/d","format":"yyyy-MM-dd","time_zone":"+01:00"}}}}`,
		`{"query":{"match_all":{}},"sort":["name",{"metadata.a":{"order":"desc"}}],"search_after":["a","b"],"size":2}`,
		`{"size":0,"aggs":{"x":{"terms":{"field":"metadata.a","size":1000,"order":[{"_key":"asc"}]},` +
			`"aggs":{"y":{"cardinality":{"field":"name"}}}}}}`,
		`{"size":0,"aggs":{"x":{"filters":{"filters":{"f":{"wildcard":{"metadata.a":"*a"}}}}},` +
			`"y":{"range":{"field":"creation","ranges":[{"from":1}]}}}}`,
		`{"size":0,"aggs":{"x":{"composite":{"size":1000,"sources":[{"a":{"terms":{"field":"metadata.a"}}},` +
			`{"b":{"date_histogram":{"field":"creation","fixed_interval":"1s"}}}]}}}}`,
		`{"size":0,"aggs":{"x":{"filter":{"term":{"name":"a"}},"aggs":{"z":{"missing":{"field":"expiration"}}}},` +
			`"v":{"value_count":{"field":"name"}}}}`,
	},
	"security-has-privileges": {
		`{"index":[{"names":["/.*a/","b*"],"privileges":["read","indices:data/*"]}],"cluster":["monitor"]}`,
		`{"application":[{"application":"shop","privileges":["p1","data:read/1/x"],"resources":["r1","r*"]}]}`,
	},
	"security-has-user-privileges": {
		`{"index":[{"names":["/.*a/","b*"],"privileges":["read","indices:data/*"]}],"cluster":["monitor"]}`,
	},
	"update-current-user": {`"{\"full_name\":\"a\"}"`},
	"login":               {`{"username":"owner","password":"a"}`},
}

// A place is somewhere in a request where a value can stand.
type place struct {
	name string
	// shapes are those that can stand there.
	shapes []shape
	// original is what stands there in a valid request.
	original string
	// common places are treated in the same way for all operations.
	common bool
	// put returns the request with a value in that place.
	put func(value string) Request
}

// target returns the operation's path with values for its parameters.
func (o operation) target(values map[string]string) string {
	path := o.path
	for name, value := range values {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if strings.Contains(path, "{") {
		panic("costtest: the cost test has no value for a parameter of " + o.path)
	}
	return path
}

// request returns a valid request.
func (o operation) request(values map[string]string) Request {
	r := Request{Method: o.method, Target: o.target(values), Header: http.Header{}}
	if len(o.documents) > 0 {
		o.setBody(&r, rendered(o.documents[0]))
	}
	return r
}

func (o operation) setBody(r *Request, document string) {
	r.Body = []byte(document)
	r.Header.Set("Content-Type", "application/json")
	if o.form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

// places returns all places of an operation's requests.
func (o operation) places(values map[string]string) []place {
	places := slices.Concat(o.queryPlaces(values), o.pathPlaces(values), o.headerPlaces(values))
	for i, document := range o.documents {
		if o.form {
			places = append(places, o.formPlaces(values, document)...)
			continue
		}
		name := fmt.Sprintf("body %d", i)
		places = append(places, o.bodyPlaces(values, name, document, nil, document, nil)...)
	}
	return places
}

func (o operation) queryPlaces(values map[string]string) []place {
	set := func(query string) Request {
		r := o.request(values)
		r.Target += "?" + query
		return r
	}
	places := []place{{name: "query", shapes: queryShapes, put: set}}
	names := o.query
	if o.elasticsearch {
		names = append([]string{"filter_path", "pretty", "format"}, names...)
	}
	for _, name := range names {
		original := values[name]
		if original == "" {
			original = "a"
		}
		places = append(places, place{name: "query " + name, shapes: textShapes, original: original,
			put: func(value string) Request {
				return set(name + "=" + urlEscaped(value))
			}})
	}
	return places
}

func (o operation) pathPlaces(values map[string]string) []place {
	var places []place
	for name, original := range values {
		if !strings.Contains(o.path, "{"+name+"}") {
			continue
		}
		places = append(places, place{name: "path " + name, shapes: textShapes, original: original,
			put: func(value string) Request {
				other := maps.Clone(values)
				other[name] = value
				return o.request(other)
			}})
	}
	return places
}

// headers are what this server, its libraries or a proxy in front look at.
var headers = []string{
	"Accept", "Accept-Encoding", "Authorization", "Content-Encoding", "Content-Type", "Cookie",
	"Es-Security-Runas-User", "Es-Secondary-Authorization", "Origin",
	"Referer", "Sec-Fetch-Site", "Traceparent", "Tracestate", "X-Forwarded-For", "X-Http-Method-Override",
	"X-Opaque-Id", "X-Request-Id",
}

func (o operation) headerPlaces(values map[string]string) []place {
	var places []place
	add := func(name, header, original string, value func(string) string) {
		places = append(places, place{name: "header " + name, shapes: textShapes, original: original, common: true,
			put: func(text string) Request {
				r := o.request(values)
				r.Header.Set(header, value(text))
				return r
			}})
	}
	for _, name := range headers {
		add(name, name, "a", func(text string) string { return text })
	}
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	add("Authorization, Basic, name", "Authorization", "owner", func(text string) string {
		return "Basic " + encode(text+":a")
	})
	add("Authorization, Basic, password", "Authorization", "a", func(text string) string {
		return "Basic " + encode("owner:"+text)
	})
	add("Authorization, ApiKey", "Authorization", "a", func(text string) string {
		return "ApiKey " + encode(text+":a")
	})
	add("Authorization, Bearer", "Authorization", "a", func(text string) string { return "Bearer " + text })
	add("Authorization, Bearer, header", "Authorization", "a", func(text string) string {
		return "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"`+text+`"}`)) +
			".e30.c2ln"
	})
	for _, cookie := range o.cookies {
		add("Cookie "+cookie, "Cookie", "a", func(text string) string { return cookie + "=" + text })
	}
	return places
}

func (o operation) formPlaces(values map[string]string, document any) []place {
	fields, _ := document.(map[string]any)
	body := func(text string) Request {
		r := o.request(values)
		o.setBody(&r, text)
		return r
	}
	form := func(name, value string) string {
		set := url.Values{}
		for other, original := range fields {
			set.Set(other, fmt.Sprint(original))
		}
		set.Set(name, value)
		return set.Encode()
	}
	places := []place{{name: "form", shapes: queryShapes, put: body}}
	for name := range fields {
		places = append(places,
			place{name: "form " + name, shapes: textShapes, original: "a",
				put: func(value string) Request { return body(form(name, value)) }},
			place{name: "form " + name + ", base64", shapes: slices.Concat(textShapes, xmlShapes), original: "a",
				put: func(value string) Request {
					return body(form(name, base64.StdEncoding.EncodeToString([]byte(value))))
				}},
		)
	}
	return places
}

// xmlShapes are what a SAML response may be made of.
var xmlShapes = []shape{
	{"deep elements", func(n int, _ string) string { return nested(n, "<a>", "", "</a>") }},
	{"many elements", func(n int, _ string) string {
		return "<a>" + list(n, "", func(int) string { return "<b/>" }) + "</a>"
	}},
	{"many attributes", func(n int, _ string) string {
		return "<a" + list(n, "", func(i int) string { return fmt.Sprintf(` b%d=""`, i) }) + "/>"
	}},
	{"many namespaces", func(n int, _ string) string {
		return "<a" + list(n, "", func(i int) string { return fmt.Sprintf(` xmlns:b%d="b"`, i) }) + "/>"
	}},
	{"many namespaces, deep", func(n int, _ string) string {
		return nested(n/2, `<a xmlns:b="b">`, "<a"+list(n/2, "",
			func(i int) string { return fmt.Sprintf(` xmlns:b%d="b"`, i) })+"/>", "</a>")
	}},
	{"many references", func(n int, _ string) string { return "<a>" + strings.Repeat("&amp;", n/5) + "</a>" }},
	{"entities", func(n int, _ string) string {
		return "<!DOCTYPE a [" + list(n, "", func(i int) string {
			return fmt.Sprintf(`<!ENTITY e%d "&e%d;&e%d;">`, i+1, i, i)
		}) + "]><a>&e9;</a>"
	}},
	{"comments", func(n int, _ string) string { return "<a>" + strings.Repeat("<!---->", n/7) + "</a>" }},
}

// bodyPlaces returns the places of a document below a node: the node, a member that no schema has, and, for each
// ancestor, the ancestor within itself.
func (o operation) bodyPlaces(values map[string]string, name string, document any, path []any, node any,
	ancestors []int) []place {
	put := func(at []any) func(string) Request {
		return func(value string) Request {
			r := o.request(values)
			before, after := around(document, at)
			o.setBody(&r, before+value+after)
			return r
		}
	}
	places := []place{{name: strings.TrimSpace(name + " " + pathText(path)), shapes: slices.Concat(jsonShapes,
		selfNested(document, path, ancestors)), original: rendered(node), put: put(path)}}
	switch node := node.(type) {
	case map[string]any:
		ancestors = append(slices.Clone(ancestors), len(path))
		unknown := append(slices.Clone(path), "unknown")
		places = append(places, place{name: name + " " + pathText(unknown), shapes: jsonShapes, original: "1",
			put: put(unknown)})
		for _, key := range slices.Sorted(maps.Keys(node)) {
			places = append(places, o.bodyPlaces(values, name, document, append(slices.Clone(path), key), node[key],
				ancestors)...)
		}
	case []any:
		for i := range node {
			places = append(places, o.bodyPlaces(values, name, document, append(slices.Clone(path), i), node[i],
				ancestors)...)
		}
	}
	return places
}

// selfNested are shapes that repeat the document from an ancestor to the node.
func selfNested(document any, path []any, ancestors []int) []shape {
	var shapes []shape
	for _, at := range ancestors {
		ancestor := document
		for _, step := range path[:at] {
			ancestor = child(ancestor, step)
		}
		before, after := around(ancestor, path[at:])
		shapes = append(shapes, shape{"repeated from /" + pathText(path[:at]), func(n int, original string) string {
			return nested(n, before, original, after)
		}})
	}
	return shapes
}

func child(node, step any) any {
	switch node := node.(type) {
	case map[string]any:
		key, _ := step.(string)
		return node[key]
	case []any:
		i, _ := step.(int)
		return node[i]
	}
	return nil
}

func pathText(path []any) string {
	var steps []string
	for _, step := range path {
		steps = append(steps, fmt.Sprint(step))
	}
	return strings.Join(steps, ".")
}

func rendered(node any) string {
	text, err := json.Marshal(node)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// around is the text of a document before and after what stands at a path, which may be a member that is not there yet.
func around(node any, path []any) (before, after string) {
	if len(path) == 0 {
		return "", ""
	}
	inside, behind := around(child(node, path[0]), path[1:])
	switch node := node.(type) {
	case map[string]any:
		key, _ := path[0].(string)
		var others []string
		for _, name := range slices.Sorted(maps.Keys(node)) {
			if name != key {
				others = append(others, rendered(name)+":"+rendered(node[name]))
			}
		}
		others = append(others, rendered(key)+":"+inside)
		return "{" + strings.Join(others, ","), behind + "}"
	case []any:
		at, _ := path[0].(int)
		before, after = "[", ""
		for i, element := range node {
			switch {
			case i < at:
				before += rendered(element) + ","
			case i > at:
				after += "," + rendered(element)
			}
		}
		return before + inside, behind + after + "]"
	}
	return inside, behind
}

// urlEscaped escapes a value for a query string.
func urlEscaped(value string) string { return url.QueryEscape(value) }
