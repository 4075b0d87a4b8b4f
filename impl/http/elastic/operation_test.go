package elastic

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
)

// Ensures that a server does not start unless each operation has a row and an action, and each row an operation.
func TestRegister_Incomplete(t *testing.T) {
	t.Parallel()

	const document = `{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {/_x: {get: {operationId: x, ` +
		`x-elasticsearch-action: "cluster:x", responses: {"200": {description: ok}}}}}}`
	noAction := strings.Replace(document, `x-elasticsearch-action: "cluster:x", `, "", 1)
	for name, c := range map[string]struct {
		document string
		rows     []string
		want     string
	}{
		"complete":                {document, []string{"x"}, ""},
		"operation without a row": {document, nil, "operation x has no row"},
		"operation without an action": {noAction, []string{"x"},
			"operation x has no row in the table, or no x-elasticsearch-action"},
		"row without an operation": {document, []string{"x", "y"}, "the contract has no operation y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := contract.Parse([]byte(c.document))
			if err != nil {
				t.Fatal(err)
			}
			a := &API{contract: parsed}
			for _, id := range c.rows {
				a.table = append(a.table, testRow{id: id})
			}

			err = a.Register(echo.New(), func(*contract.Operation) []echo.MiddlewareFunc { return nil })
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
}

// Ensures that a row reads, checks, requires its action and only then acts, and that a row is open only with a reason
// or by its own rule.
func TestRow_Order(t *testing.T) {
	t.Parallel()

	unreadable, invalid := errors.New("unreadable"), errors.New("invalid")
	for name, c := range map[string]struct {
		read, check error
		open        string
		authorize   func(call, none) error
		// want is the error, or nil if the row acts; denied is set for the fault of a missing privilege.
		want   error
		denied bool
	}{
		"unreadable":            {read: unreadable, check: invalid, want: unreadable},
		"invalid":               {check: invalid, want: invalid},
		"without the privilege": {denied: true},
		"own rule refuses":      {authorize: func(call, none) error { return invalid }, want: invalid},
		"own rule allows":       {authorize: func(call, none) error { return nil }},
		"open":                  {open: "for the test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acted := false
			o := row[none, none]{
				read:      func(request) (none, error) { return none{}, c.read },
				check:     func(none) error { return c.check },
				authorize: c.authorize,
				open:      c.open,
				do: func(context.Context, call, none) (none, error) {
					acted = true
					return none{}, nil
				},
				show: showEmpty,
			}

			_, err := o.serve(t.Context(), call{action: "cluster:x"}, request{})
			if c.denied != fault.Has(err, fault.PermissionDenied) || !c.denied && !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			if want := c.want == nil && !c.denied; acted != want {
				t.Errorf("acted: %t", acted)
			}
		})
	}
}
