package elastic

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/contract/baseline"
)

// bulkBody returns a bulk update of about 2 KB.
func bulkBody() []byte {
	const descriptor = `{"cluster":["monitor","manage_api_key"],"indices":[{"names":["logs-*","metrics-*"],` +
		`"privileges":["read","view_index_metadata"],"query":"{\"term\": {\"a\": 1}}"}],"metadata":{"team":"search","level":3}}`
	var ids, descriptors []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf(`"kV3x0Zq8mT2sB7nLw5%02d"`, i))
	}
	for i := range 5 {
		descriptors = append(descriptors, fmt.Sprintf(`"role-%d":%s`, i, descriptor))
	}
	return fmt.Appendf(nil, `{"ids":[%s],"role_descriptors":{%s},"metadata":{"release":"2026-11","tags":["x","y"]},"expiration":"30d"}`,
		strings.Join(ids, ","), strings.Join(descriptors, ","))
}

// bulkReading is how far a server reads the bulk updates that it has validated.
type bulkReading struct {
	// receive changes the body before it is validated.
	receive   func(body []byte)
	undecoded []string
	read      func(request) error
}

// bulkServer validates bulk updates, and reads them.
func bulkServer(b *testing.B, options contract.Options, reading bulkReading) http.Handler {
	b.Helper()
	loaded, err := contract.Load()
	if err != nil {
		b.Fatal(err)
	}
	op := loaded.With(options).Operation("security-bulk-update-api-keys")

	e := echo.New()
	e.POST("/_security/api_key/_bulk_update", func(c echo.Context) error {
		r := c.Request()
		body, err := contract.ReadAll(r.Body, int(r.ContentLength))
		if err != nil {
			return err
		}
		reading.receive(body)
		r.Body = contract.NewBody(body)
		document, err := op.Validate(r, nil)
		if err != nil {
			return err
		}
		if err := reading.read(request{body: document.Value(reading.undecoded...)}); err != nil {
			return err
		}
		answer, err := ok(gen.BulkUpdateAPIKeysResponse{Updated: []string{}, Noops: []string{}})
		if err != nil {
			return err
		}
		c.Response().Writer = checkingWriter{c.Response().Writer, b, op}
		return answer.send(c)
	})
	return e
}

// checkingWriter checks an answer, which must have one write, if the contract's options say so.
type checkingWriter struct {
	http.ResponseWriter

	b  *testing.B
	op *contract.Operation
}

// Write implements http.ResponseWriter.
func (w checkingWriter) Write(p []byte) (int, error) {
	if invalid := w.op.CheckResponse(http.StatusOK, echo.MIMEApplicationJSON, p); invalid != nil {
		w.b.Fatal(invalid)
	}
	return w.ResponseWriter.Write(p)
}

// BenchmarkValidation compares a validated bulk update with the baseline, which decodes it to structs without
// validation: one that is decoded to maps and slices, and one that is read to the domain's type as the server does,
// which is more than the baseline does. Its descriptors were read before, or are new each time. It also measures what
// the check of the response costs.
func BenchmarkValidation(b *testing.B) {
	exchange := baseline.NewExchange(http.MethodPost, "/_security/api_key/_bulk_update", bulkBody())
	unchanged := func([]byte) {}
	sent := 0
	renewed := func(body []byte) {
		sent++
		const pattern = "metrics-*"
		copy(body[bytes.Index(body, []byte(pattern)):], fmt.Sprintf("%0*d", len(pattern), sent))
	}
	asServer := func(r request) error { _, err := readBulkUpdate(r); return err }
	for name, reading := range map[string]bulkReading{
		"decoded":  {unchanged, nil, func(request) error { return nil }},
		"read":     {unchanged, undecodedKeyMembers, asServer},
		"read new": {renewed, undecodedKeyMembers, asServer},
	} {
		b.Run(name+"/compiled", func(b *testing.B) {
			baseline.Compare(b, bulkServer(b, contract.Options{}, reading), baseline.New(), exchange)
		})
		b.Run(name+"/interpreted", func(b *testing.B) {
			baseline.Compare(b, bulkServer(b, contract.Options{Interpret: true}, reading), baseline.New(), exchange)
		})
	}

	b.Run("read/responses", func(b *testing.B) {
		reading := bulkReading{unchanged, undecodedKeyMembers, asServer}
		checking := bulkServer(b, contract.Options{Responses: true}, reading)
		baseline.Compare(b, checking, bulkServer(b, contract.Options{}, reading), exchange)
	})
}
