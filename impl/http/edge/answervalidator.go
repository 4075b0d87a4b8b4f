package edge

import (
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
)

// ResponseValidation says what happens to a response that the contract does not allow.
type ResponseValidation string

const (
	// ResponsesUnchecked sends responses without checking them.
	ResponsesUnchecked ResponseValidation = "off"
	// ResponsesLogged logs and counts invalid responses, and sends them.
	ResponsesLogged ResponseValidation = "log"
	// ResponsesRefused also answers 500 in place of an invalid response.
	ResponsesRefused ResponseValidation = "refuse"
)

// answerValidator checks held answers against the contract. A nil *answerValidator checks nothing.
type answerValidator struct {
	refuse bool
	log    *slog.Logger
	count  func(operation string)
}

func newAnswerValidator(config Config) *answerValidator {
	if config.Responses == ResponsesUnchecked || config.Responses == "" {
		return nil
	}
	return &answerValidator{config.Responses == ResponsesRefused, config.Log, config.ObserveInvalid}
}

// check checks an answer, before it is reshaped. It returns the error to answer instead, or nil. It does not check an
// answer that is being streamed, that of a path that the contract does not have, and that to a client that has
// disconnected.
func (v *answerValidator) check(c echo.Context, a *answer) error {
	if a.streaming || a.status == 0 || a.status == statusClientGone {
		return nil
	}
	_, err := v.checkBody(c, a, a.body)
	return err
}

// checkBody is check for a body with the status and the headers of an answer. It reports whether it is invalid.
func (v *answerValidator) checkBody(c echo.Context, a *answer, body []byte) (invalid bool, err error) {
	op := stateOf(c).operation
	if v == nil || op == nil {
		return false, nil
	}

	contentType := ""
	if values := a.Header()[echo.HeaderContentType]; len(values) > 0 {
		contentType = values[0]
	}
	problem := op.CheckResponse(a.status, contentType, body)
	if problem == nil {
		return false, nil
	}

	v.count(op.ID)
	v.log.Error(
		"response invalid",
		"request_id", requestIDOf(c),
		"operation", op.ID,
		"status", a.status,
		"pointer", problem.Pointer,
		"problem", problem.Text,
	)
	if !v.refuse || a.status == http.StatusInternalServerError {
		return true, nil
	}
	return true, fault.Wrap(fault.ServerFailed, problem, ServerFailed)
}
