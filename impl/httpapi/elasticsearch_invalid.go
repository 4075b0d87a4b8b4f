package httpapi

import (
	"errors"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// bodyReader reads an operation's document as its handler does, and returns how it refuses it, or nil. What the validator
// refuses is refused in the words of the reader: clients know those. Some name what the path names.
type bodyReader func(document any, params map[string]string) error

// invalid says what the validator found: the parameters first, then the body, by the operation's own reader if it has
// one.
func (op operation) invalid(err error, body []byte, params map[string]string) error {
	var syntax *strictjson.SyntaxError
	var twice *strictjson.DuplicateError
	var deep *strictjson.DepthError
	switch {
	case errors.As(err, &syntax):
		return fault.New(fault.FieldInvalid, place(xcontent.Position(body, syntax.Offset))+"the body is not one JSON value: "+syntax.Reason)
	case errors.As(err, &twice):
		name := clip(twice.Steps[len(twice.Steps)-1])
		return fault.New(fault.FieldInvalid, place(xcontent.Position(body, twice.Offset))+"Duplicate field '"+name+"'")
	case errors.As(err, &deep):
		return fault.New(fault.FieldInvalid, fmt.Sprintf("%sDocument nesting depth (%d) exceeds the maximum allowed (%d)",
			place(xcontent.Position(body, deep.Offset)), strictjson.MaxDepth+1, strictjson.MaxDepth))
	}
	var p problems
	p.collect(err, echo.MIMEApplicationJSON)
	for _, each := range p.list {
		if each.parameter {
			return fault.New(fault.InvalidData, "["+each.field+"] "+each.text, each.field)
		}
	}
	if errors.Is(err, openapi3filter.ErrInvalidRequired) {
		return fault.New(fault.ParseFailed, "request body is required")
	}
	if err := op.read(body, params); err != nil {
		return err
	}
	return p.first()
}

// read returns how the operation's reader refuses a body, or nil.
func (op operation) read(body []byte, params map[string]string) error {
	document, err := strictjson.Decode(body)
	if err != nil || op.reader == nil {
		return err
	}
	return op.reader(document, params)
}

// first returns one problem of a body, always the same of several.
func (p *problems) first() error {
	if len(p.list) == 0 {
		return fault.New(fault.FieldInvalid, "the body cannot be read", "")
	}
	first := p.list[0]
	for _, each := range p.list {
		if compareProblems(each, first) < 0 {
			first = each
		}
	}
	if len(first.steps) == 0 {
		first.steps = []string{""}
	}
	return fault.New(fault.FieldInvalid, "["+first.field+"] "+first.text, first.steps...)
}

// place is how Elasticsearch says where in a body something stands.
func place(line, column int) string { return fmt.Sprintf("[%d:%d] ", line, column) }
