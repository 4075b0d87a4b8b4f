package ece

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	server "github.com/sallyport/sallyport/gen/ece"
)

// sendDirectly sends the responses of the most frequent operations, and reports whether it has. Its bytes are those
// of the generated code, which encodes them by reflection. It also sends responses that depend on a request's headers.
func sendDirectly(c echo.Context, response any) (bool, error) {
	switch r := response.(type) {
	case server.GetCurrentAccount200JSONResponse:
		if r.Headers.XElasticAPIKeyExpiration == nil {
			return true, sendJSON(c, func(b []byte) []byte { return appendAccount(b, &r.Body) })
		}
	case server.Login200JSONResponse:
		return true, sendJSON(c, func(b []byte) []byte { return appendToken(b, &r.TokenJSONResponse) })
	case keySet:
		return true, sendKeySet(c, r)
	}
	return false, nil
}

// jsonType is the value of the Content-Type header. It is shared: a header's values are replaced, and not changed.
var jsonType = []string{echo.MIMEApplicationJSON}

// buffers are reused: a response writer keeps nothing of what it is given.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// sendJSON sends a value with the status 200.
func sendJSON(c echo.Context, appendTo func([]byte) []byte) error {
	buffer := buffers.Get().(*[]byte)
	*buffer = append(appendTo((*buffer)[:0]), '\n')
	defer func() {
		clear(*buffer) // it can have a session's token, which must not stay in memory
		buffers.Put(buffer)
	}()

	w := c.Response()
	w.Header()[echo.HeaderContentType] = jsonType
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(*buffer)
	return err
}

func appendAccount(b []byte, account *server.AccountResponse) []byte {
	b = appendText(append(b, `{"id":`...), account.ID)
	if account.Trust != nil {
		b = append(b, `,"trust":{"trust_all":`...)
		b = append(strconv.AppendBool(b, account.Trust.TrustAll), '}')
	}
	return append(b, '}')
}

func appendToken(b []byte, token *server.TokenJSONResponse) []byte {
	b = append(b, `{"session_expiration_time":"`...)
	b = token.SessionExpirationTime.AppendFormat(b, time.RFC3339Nano)
	b = appendText(append(b, `","token":`...), token.Token)
	return append(b, '}')
}

// appendText appends a string as encoding/json does.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c >= utf8.RuneSelf, c == '"', c == '\\', c == '<', c == '>', c == '&':
			escaped, _ := json.Marshal(text) // no error: it is a string
			return append(b, escaped...)
		}
	}
	b = append(append(b, '"'), text...)
	return append(b, '"')
}
