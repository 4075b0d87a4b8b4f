package edge

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/admission"
)

// limitBody refuses a body that is too large: at once if its length is declared, otherwise while it is read.
func limitBody(op *contract.Operation) echo.MiddlewareFunc {
	if !op.TakesBody {
		return skip
	}
	return Before(func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength > maxBody {
			return bodyTooLarge()
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
		return nil
	})
}

func bodyTooLarge() error {
	return fault.New(fault.BodyTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody), "body")
}

// readBody reads the whole body before any of it is interpreted, and counts it against the caller's share of the byte
// budget.
func readBody(op *contract.Operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if !op.TakesBody {
			return next
		}

		return func(c echo.Context) error {
			r, s := c.Request(), stateOf(c)
			counted := &meteredReader{bytes: s.answer.class.Bytes, caller: s.answer.caller}
			defer counted.giveBack()
			body, err := counted.readAll(r, op, s.exchange)
			if err != nil {
				return err
			}

			if err := s.exchange.Receive(r, op, body); err != nil {
				return err
			}

			r.Body, r.ContentLength = contract.NewBody(body), int64(len(body))
			return next(c)
		}
	}
}

// meteredReader counts the bytes of a body beyond maxSmall against the caller's share of a byte budget as they are
// read.
type meteredReader struct {
	from        io.Reader
	bytes       *admission.Budget
	caller      string
	read, taken int64
}

// Read implements io.Reader.
func (m *meteredReader) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.read += int64(n)
	if more := m.read - maxSmall - m.taken; more > 0 {
		if !m.bytes.Take(m.caller, more) {
			return 0, admission.Busy()
		}
		m.taken += more
	}
	return n, err
}

func (m *meteredReader) giveBack() {
	if m.taken > 0 {
		m.bytes.Give(m.caller, m.taken)
	}
}

// readAll reads a request's body. The limit applies to the compressed and to the uncompressed body.
func (m *meteredReader) readAll(r *http.Request, op *contract.Operation, exchange Exchange) ([]byte, error) {
	unpacked, err := exchange.Unpack(r)
	if err != nil {
		return nil, err
	}

	m.from = io.LimitReader(unpacked, maxBody+1)
	expected := 0
	if 0 < r.ContentLength && r.ContentLength <= maxSmall {
		expected = int(r.ContentLength)
	}
	body, err := contract.ReadAll(m, expected)

	var tooLarge *http.MaxBytesError
	switch {
	case fault.Has(err, fault.ServerBusy):
		return nil, err
	case errors.As(err, &tooLarge), len(body) > maxBody:
		return nil, bodyTooLarge()
	case err != nil:
		return nil, exchange.Unreadable(r, op, err)
	}

	return body, nil
}
