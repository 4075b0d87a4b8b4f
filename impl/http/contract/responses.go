package contract

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// ResponseError reports a response that the contract does not allow. It quotes no value.
type ResponseError struct {
	// Pointer is the JSON pointer (RFC 6901) of the problem in the body, of at most MaxField bytes; "" for the body as a
	// whole, the status or the content type.
	Pointer string
	// Text describes the problem.
	Text string
}

// Error implements error.
func (e *ResponseError) Error() string {
	return fmt.Sprintf("contract: invalid response: %q: %s", e.Pointer, e.Text)
}

// responseChecks are the checks of an operation's responses.
type responseChecks struct {
	// declared are the checks of single statuses, in their order: the first is that of most answers.
	declared []*responseCheck
	// others is the check of all other statuses; nil if there are none.
	others *responseCheck
}

// maxAnswerDepth is the maximum nesting of an answer: that of a stored value and of what is around it.
const maxAnswerDepth = strictjson.MaxStoredDepth + strictjson.MaxDepth

type responseCheck struct {
	// status is 0 for the default response.
	status int
	// schema is that of the JSON body; nil if the response has none.
	schema *openapi3.Schema
	// check is nil if the schema is left to the interpreter.
	check *schemacheck.Check
	// statuses are those that the default response stands for; nil for all.
	statuses []any
	// last is the hash of a small body that was accepted: many operations answer the same again and again. The seed of
	// the hash is random, so that no caller can have an answer with the hash of another.
	last atomic.Uint64
}

// maxHashed is the size in bytes up to which a body is hashed.
const maxHashed = 1024

var bodySeed = maphash.MakeSeed()

// accepts reports whether the compiled check accepts a body. If it returns false, the body is undecided.
func (c *responseCheck) accepts(body []byte) bool {
	if c.check == nil {
		return false
	}
	if len(body) > maxHashed {
		return c.check.Accepts(body)
	}

	hash := maphash.Bytes(bodySeed, body)
	if c.last.Load() == hash {
		return true
	}
	accepted := c.check.Accepts(body)
	if accepted {
		c.last.Store(hash)
	}
	return accepted
}

// compileResponses compiles the checks of an operation's responses; compiler is nil if they are left to the
// interpreter.
func compileResponses(op *openapi3.Operation, compiler *bodyCompiler) *responseChecks {
	checks := &responseChecks{}
	for name, ref := range op.Responses.Map() {
		check := compileResponse(ref.Value, compiler)
		if status, err := strconv.Atoi(name); err == nil {
			check.status = status
			checks.declared = append(checks.declared, check)
		} else {
			checks.others = check
		}
	}
	slices.SortFunc(checks.declared, func(a, b *responseCheck) int { return a.status - b.status })
	return checks
}

func compileResponse(r *openapi3.Response, compiler *bodyCompiler) *responseCheck {
	check := &responseCheck{}
	check.statuses, _ = r.Extensions["x-statuses"].([]any)
	media := r.Content[mediaJSON]
	if media == nil || media.Schema == nil {
		return check
	}

	check.schema = media.Schema.Value
	if compiler != nil {
		// Beside JSON there may be a page, which has no check.
		check.check = compiler.compile(openapi3.Content{mediaJSON: media})
	}
	return check
}

// CheckResponse returns an error if the contract does not allow the status, content type or body of a response. It
// does not check headers, and allows what is nested too deep for the interpreter, as stored values may be. An
// operation of a contract without Options.Responses allows all.
func (op *Operation) CheckResponse(status int, contentType string, body []byte) *ResponseError {
	if op.responses == nil {
		return nil
	}

	check := op.responses.of(status)
	switch {
	case check == nil:
		return &ResponseError{Text: "the status " + strconv.Itoa(status) + " is not declared"}
	case check.schema == nil, op.Method == http.MethodHead:
		return nil
	case !isJSONAnswer(contentType):
		return &ResponseError{Text: "the content type is not declared"}
	case check.accepts(body):
		return nil
	}
	return responseError(interpretResponse(check.schema, body))
}

func (r *responseChecks) of(status int) *responseCheck {
	for _, check := range r.declared {
		if check.status == status {
			return check
		}
	}
	if r.others == nil || r.others.statuses != nil && !slices.Contains(r.others.statuses, any(strconv.Itoa(status))) {
		return nil
	}
	return r.others
}

// isJSONAnswer reports whether a content type is JSON or a format that is based on it (RFC 6839, section 3.1).
func isJSONAnswer(contentType string) bool {
	if contentType == mediaJSON {
		return true
	}
	base, _, _ := strings.Cut(contentType, ";")
	base = strings.TrimSpace(base)
	return base == mediaJSON || strings.HasSuffix(base, "+json")
}

// responseError returns the first of the errors of a body.
func responseError(err error) *ResponseError {
	if err == nil {
		return nil
	}
	var invalid *ValidationError
	if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
		return &ResponseError{Text: "the body is not one JSON value"}
	}
	first := invalid.Sorted()[0]
	return &ResponseError{Pointer: Clip(pointer(first.Steps)), Text: first.Text}
}

// pointer returns the JSON pointer to a member.
func pointer(steps []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, step := range steps {
		b.WriteString("/" + escape.Replace(step))
	}
	return b.String()
}
