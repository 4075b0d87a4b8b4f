package elastic

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// refusal returns the fault of an error of the contract package: first that of a parameter, then that of the body. If
// the row's reader refuses the body too, its text is used, because clients know it from Elasticsearch.
func (x *exchange) refusal(err error, row operation, r request) error {
	var (
		invalid *contract.ValidationError
		syntax  *strictjson.SyntaxError
		twice   *strictjson.DuplicateError
		deep    *strictjson.DepthError
	)

	switch {
	case errors.As(err, &syntax):
		return x.unparsable(syntax.Offset, "the body is not one JSON value: "+syntax.Reason)
	case errors.As(err, &twice):
		name := contract.Clip(twice.Steps[len(twice.Steps)-1])
		return x.unparsable(twice.Offset, "Duplicate field '"+name+"'")
	case errors.As(err, &deep):
		text := "Document nesting depth (%d) exceeds the maximum allowed (%d)"
		return x.unparsable(deep.Offset, fmt.Sprintf(text, strictjson.MaxDepth+1, strictjson.MaxDepth))
	case !errors.As(err, &invalid):
		return err
	}

	for _, each := range invalid.Problems {
		if each.Parameter {
			return fault.New(fault.InvalidData, "["+each.Field+"] "+each.Text, each.Field)
		}
	}

	if invalid.BodyMissing {
		return fault.New(fault.ParseFailed, "request body is required")
	}

	return x.refuseBody(invalid, row, r)
}

func (x *exchange) unparsable(offset int64, text string) error {
	return fault.New(fault.FieldInvalid, place(xcontent.Position(x.body, offset))+text)
}

// refuseBody returns the refusal of a body that is JSON. The row has not refused r.body if that is not nil.
func (x *exchange) refuseBody(invalid *contract.ValidationError, row operation, r request) error {
	if r.body == nil {
		var err error
		if r.body, err = contract.Decode(x.body); err != nil {
			return err
		}
		if err := row.refuse(r); err != nil {
			return err
		}
	}

	problems := invalid.Sorted()
	if len(problems) == 0 {
		return fault.New(fault.FieldInvalid, "the body cannot be read", "")
	}

	first := problems[0]
	if len(first.Steps) == 0 {
		first.Steps = []string{""}
	}

	return fault.New(fault.FieldInvalid, "["+first.Field+"] "+first.Text, first.Steps...)
}

// place returns a position in a body in Elasticsearch's form.
func place(line, column int) string { return fmt.Sprintf("[%d:%d] ", line, column) }
