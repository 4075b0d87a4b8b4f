package api_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// facts is what ECE publishes about the operations that this server shares with it. Its paths lie below the base path.
type facts struct {
	Info struct {
		BasePath    string `json:"basePath"`
		ErrorHeader string `json:"errorHeader"`
	} `json:"info"`
	Operations map[string]operationFacts `json:"operations"`
	Schemas    map[string]schemaFacts    `json:"schemas"`
}

type operationFacts struct {
	OperationID string                   `json:"operationId"`
	Parameters  []parameterFacts         `json:"parameters"`
	Body        *bodyFacts               `json:"body"`
	Responses   map[string]responseFacts `json:"responses"`
}

type parameterFacts struct {
	Name     string    `json:"name"`
	In       string    `json:"in"`
	Required bool      `json:"required"`
	Type     typeFacts `json:"type"`
	Default  any       `json:"default"`
}

type bodyFacts struct {
	Required bool      `json:"required"`
	Schema   typeFacts `json:"schema"`
}

type responseFacts struct {
	Schema typeFacts `json:"schema"`
	Codes  []string  `json:"codes"`
}

type schemaFacts struct {
	Type       typeFacts            `json:"type"`
	Required   []string             `json:"required"`
	Properties map[string]typeFacts `json:"properties"`
}

// UnmarshalJSON takes a schema, or the bare type of one without members.
func (s *schemaFacts) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &s.Type)
	}
	type plain schemaFacts
	return strictly(data, (*plain)(s))
}

// typeFacts is a type in the notation of the facts: string, string(date-time), array[string], the name of a schema. An
// enumeration is written string{a, b}.
type typeFacts string

// UnmarshalJSON takes a type, or an enumeration as an object.
func (f *typeFacts) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(f))
	}
	var enumeration struct {
		Type string `json:"type"`
		Enum []any  `json:"enum"`
	}
	err := strictly(data, &enumeration)
	*f = typeFacts(enumeration.Type + values(enumeration.Enum))
	return err
}

// names is the schema that the type names, or empty.
func (f typeFacts) names() string {
	name := strings.TrimSuffix(strings.TrimPrefix(string(f), "array["), "]")
	bare, _, _ := strings.Cut(name, "(")
	bare, _, _ = strings.Cut(bare, "{")
	if slices.Contains([]string{"string", "boolean", "integer", "number", "object"}, bare) {
		return ""
	}
	return name
}

// strictly refuses members that v does not have: a fact that nothing reads would be compared with nothing.
func strictly(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}

// forRequests lists the document's schemas of requests for which ECE uses the schema of responses.
var forRequests = map[string]string{
	"AccountTrustSettingsUpdate": "AccountTrustSettings",
	"CreateUserRequest":          "User",
	"CreateUserSecurity":         "UserSecurity",
}

// comparison collects the differences between the facts and the document.
type comparison struct {
	facts
	document *openapi3.T
	// requested holds the schemas that requests contain.
	requested   map[*openapi3.Schema]bool
	differences []string
}

// compare returns, in a fixed order, what ECE declares and the document does not or declares otherwise, and what the
// document demands of a client and ECE does not.
func compare(f facts, document *openapi3.T) []string {
	c := &comparison{facts: f, document: document, requested: map[*openapi3.Schema]bool{}}
	for _, op := range c.ours() {
		for _, media := range op.bodies() {
			walk("body", media.Schema, func(_ string, schema *openapi3.Schema) { c.requested[schema] = true })
		}
	}
	c.operations()
	c.schemas()
	c.demands()
	slices.Sort(c.differences)
	return slices.Compact(c.differences)
}

func (c *comparison) same(place, theirs, ours string) {
	if theirs != ours {
		c.differences = append(c.differences, fmt.Sprintf("%s: at ECE %s, here %s", place, theirs, ours))
	}
}

// ours are the document's operations that lie where ECE's do, named as the facts name them; without our own, which the
// document marks as extensions.
func (c *comparison) ours() map[string]operation {
	ours := map[string]operation{}
	for _, op := range operations(c.document) {
		path, found := strings.CutPrefix(op.path, c.Info.BasePath)
		if found && op.Extensions["x-extension"] != true {
			ours[op.method+" "+path] = op
		}
	}
	return ours
}

// operations also finds those that the facts lack: facts that do not grow with the document compare less and less.
func (c *comparison) operations() {
	ours := c.ours()
	for place, want := range c.Operations {
		op, found := ours[place]
		if !found {
			c.same(place, "declared", "missing")
			continue
		}
		c.operation(place, want, op)
	}
	for place := range ours {
		if _, found := c.Operations[place]; !found {
			c.same(place, "missing", "declared")
		}
	}
}

func (c *comparison) operation(place string, want operationFacts, op operation) {
	c.same(place+": operationId", want.OperationID, op.OperationID)
	c.parameters(place, want.Parameters, op)
	theirs := "none"
	if want.Body != nil {
		theirs = need(want.Body.Required) + " " + string(want.Body.Schema)
	}
	c.same(place+": body", theirs, body(op))
	for status, response := range want.Responses {
		c.response(place+": status "+status, response, op.Responses.Value(status))
	}
}

// parameters also finds those that only the document has: a client that knows ECE does not send them, which matters if
// they are required.
func (c *comparison) parameters(place string, want []parameterFacts, op operation) {
	theirs, ours := map[string]string{}, map[string]string{}
	for _, p := range want {
		theirs[p.Name], ours[p.Name] = parameter(p.In, p.Required, string(p.Type), p.Default), "missing"
	}
	for _, p := range op.parameters() {
		declared := parameter(p.In, p.Required, typeOf(p.Schema), p.Schema.Value.Default)
		if _, found := theirs[p.Name]; found {
			ours[p.Name] = declared
		} else if p.Required {
			theirs[p.Name], ours[p.Name] = "missing", declared
		}
	}
	for name := range theirs {
		c.same(place+": parameter "+name, theirs[name], ours[name])
	}
}

func (c *comparison) response(place string, want responseFacts, response *openapi3.ResponseRef) {
	if response == nil {
		c.same(place, "declared", "missing")
		return
	}
	c.same(place, string(want.Schema), content(response.Value.Content))
	codes := errorCodes(response.Value, c.Info.ErrorHeader)
	for _, code := range want.Codes {
		if !slices.Contains(codes, code) {
			c.same(place+": code "+code, "declared", "missing")
		}
	}
}

func (c *comparison) schemas() {
	for name, want := range c.Schemas {
		ref := c.document.Components.Schemas[name]
		if ref == nil {
			c.same(name, "declared", "missing")
			continue
		}
		c.schema(name, want, ref.Value)
	}
	for ours, theirs := range forRequests {
		if ref := c.document.Components.Schemas[ours]; ref != nil {
			c.schema(ours, c.Schemas[theirs], ref.Value)
		}
	}
	for _, name := range c.named() {
		if _, found := c.Schemas[name]; !found {
			c.same(name, "named but not described", "unknown")
		}
	}
}

// schema takes no notice of null in a request, except for a required member: there it stands for absence.
func (c *comparison) schema(name string, want schemaFacts, schema *openapi3.Schema) {
	null := ""
	if c.requested[schema] || forRequests[name] != "" {
		null = orNull
	}
	c.same(name, string(want.Type), strings.TrimSuffix(inPlace(schema), null))
	for property, theirs := range want.Properties {
		ours := "missing"
		if ref := schema.Properties[property]; ref != nil {
			ours = typeOf(ref)
		}
		if !slices.Contains(want.Required, property) {
			ours = strings.TrimSuffix(ours, null)
		}
		c.same(name+"."+property, string(theirs), ours)
	}
	for _, property := range want.Required {
		c.same(name+"."+property, need(true), need(slices.Contains(schema.Required, property)))
	}
}

// named lists the schemas that the facts mention. Each must be described, or nothing would be compared with it.
func (c *comparison) named() []string {
	names := map[string]bool{}
	for _, op := range c.Operations {
		if op.Body != nil {
			names[op.Body.Schema.names()] = true
		}
		for _, response := range op.Responses {
			names[response.Schema.names()] = true
		}
	}
	for _, schema := range c.Schemas {
		for _, property := range schema.Properties {
			names[property.names()] = true
		}
	}
	delete(names, "")
	return slices.Collect(maps.Keys(names))
}

// demands finds the members that a request must have here and need not have at ECE: its clients leave them out.
func (c *comparison) demands() {
	for _, op := range c.ours() {
		for _, media := range op.bodies() {
			walk("body", media.Schema, c.demand)
		}
	}
}

func (c *comparison) demand(name string, schema *openapi3.Schema) {
	for _, property := range schema.Required {
		if !slices.Contains(c.Schemas[atECE(name)].Required, property) {
			c.same(name+"."+property, need(false), need(true))
		}
	}
}

func need(required bool) string {
	if required {
		return "required"
	}
	return "optional"
}

func parameter(in string, required bool, kind string, preset any) string {
	text := need(required) + " " + kind + " in " + in
	if preset != nil {
		text += fmt.Sprintf(", by default %v", preset)
	}
	return text
}

func body(op operation) string {
	if op.RequestBody == nil {
		return "none"
	}
	return need(op.RequestBody.Value.Required) + " " + content(op.bodies())
}

// formBody is the content type of what a browser posts.
const formBody = "application/x-www-form-urlencoded"

func content(all openapi3.Content) string {
	for _, kind := range []string{jsonBody, formBody} {
		if media := all[kind]; media != nil {
			return typeOf(media.Schema)
		}
	}
	return "neither JSON nor a form"
}

// typeOf writes a schema's type in the notation of the facts. A reference to a scalar is the scalar: a client sees no
// difference between the two.
func typeOf(ref *openapi3.SchemaRef) string {
	if name := component(ref); name != "" && !scalar(ref.Value) {
		return atECE(name)
	}
	return inPlace(ref.Value)
}

// atECE returns ECE's name of a schema.
func atECE(name string) string { return cmp.Or(forRequests[name], name) }

// orNull is how the type of a schema ends that accepts null.
const orNull = " or null"

func inPlace(schema *openapi3.Schema) string {
	text := strings.Join(schema.Type.Slice(), " or ")
	if schema.Items != nil {
		text += "[" + typeOf(schema.Items) + "]"
	}
	if schema.Format != "" {
		text += "(" + schema.Format + ")"
	}
	text += values(schema.Enum)
	if schema.Nullable {
		text += orNull
	}
	return text
}

func values(enum []any) string {
	if len(enum) == 0 {
		return ""
	}
	var all []string
	for _, value := range enum {
		all = append(all, fmt.Sprint(value))
	}
	slices.Sort(all)
	return "{" + strings.Join(all, ", ") + "}"
}
