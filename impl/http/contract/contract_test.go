package contract

import (
	"fmt"
	"strings"
	"testing"
)

// Ensures that a contract with a work class other than heavy and revocation cannot be loaded.
func TestParse_WorkClass(t *testing.T) {
	t.Parallel()
	const document = `{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {/x: {get: {operationId: x, x-work: %s, ` +
		`responses: {"200": {description: ok}}}}}}`
	for class, want := range map[string]Work{"heavy": Heavy, "revocation": Revocation} {
		t.Run(class, func(t *testing.T) {
			c, err := Parse(fmt.Appendf(nil, document, class))
			if err != nil || c.Operation("x").Work != want {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
	for _, class := range []string{"large", `""`, "true"} {
		t.Run(class, func(t *testing.T) {
			if _, err := Parse(fmt.Appendf(nil, document, class)); err == nil ||
				!strings.Contains(err.Error(), "operation x: x-work is") {
				t.Errorf("got %v", err)
			}
		})
	}
}
