package edge

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath/pretty"
)

// parts yields bodies, and then an error unless it is nil.
func parts(err error, bodies ...string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, body := range bodies {
			if !yield([]byte(body), nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

const (
	firstPart  = `{"keys":[{"id":1}]}`
	secondPart = `{"keys":[{"id":2},{"id":3}]}`
	lastPart   = `{"keys":[{"id":"]}"}]}`
	joined     = `{"keys":[{"id":1},{"id":2},{"id":3},{"id":"]}"}]}`
)

// Ensures that the parts of a list become one object, and that a failure before two parts were read is answered.
func TestSendList(t *testing.T) {
	t.Parallel()
	indented, _ := pretty.Indent([]byte(joined))
	failed := asText(ServerFailed)
	for name, c := range map[string]struct {
		target  string
		parts   iter.Seq2[[]byte, error]
		status  int
		body    string
		flushed bool
	}{
		"one part":            {"/", parts(nil, firstPart), 200, firstPart + "\n", false},
		"no elements":         {"/", parts(nil, `{"keys":[]}`), 200, `{"keys":[]}` + "\n", false},
		"three parts":         {"/", parts(nil, firstPart, secondPart, lastPart), 200, joined + "\n", true},
		"filtered":            {"/?only=keys", parts(nil, firstPart, secondPart, lastPart), 200, joined, true},
		"indented":            {"/?pretty", parts(nil, firstPart, secondPart, lastPart), 200, string(indented), false},
		"fails at once":       {"/", parts(io.ErrUnexpectedEOF), 500, failed, false},
		"fails after a part":  {"/", parts(io.ErrUnexpectedEOF, firstPart), 500, failed, false},
		"indented, and fails": {"/?pretty", parts(io.ErrUnexpectedEOF, firstPart, lastPart, lastPart), 500, failed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, e := admitted(&contract.Operation{Work: contract.Heavy}, func(ctx echo.Context) error {
				return SendList(ctx, c.parts)
			})
			recorder := httptest.NewRecorder()
			e.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.target, nil))
			got := recorder.Body.String()
			if c.status != http.StatusOK {
				got = strings.TrimSpace(got)
			}
			if recorder.Code != c.status || got != c.body || recorder.Flushed != c.flushed {
				t.Errorf("answered %d %q, flushed %t", recorder.Code, got, recorder.Flushed)
			}
			wantIdle(t, l)
		})
	}
}

// Ensures that a failure after two parts aborts the connection and is logged, also that of an invalid part.
func TestSendList_Interrupted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts iter.Seq2[[]byte, error]
		sent  string
	}{
		"an error":        {parts(io.ErrUnexpectedEOF, firstPart, secondPart), `{"keys":[{"id":1}`},
		"an error, later": {parts(io.ErrUnexpectedEOF, firstPart, secondPart, lastPart), `{"keys":[{"id":1},{"id":2},{"id":3}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			l, e := admittedLogging(&contract.Operation{Work: contract.Heavy}, &log, func(ctx echo.Context) error {
				return SendList(ctx, c.parts)
			})
			recorder := httptest.NewRecorder()
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("ended with %v", err)
				}
				if got := recorder.Body.String(); got != c.sent {
					t.Errorf("sent %q", got)
				}
				if !strings.Contains(log.String(), `msg="answer interrupted"`) {
					t.Errorf("logged %q", log.String())
				}
				wantIdle(t, l)
			}()
			e.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		})
	}
}

// Ensures that no work slot is held while a part is being sent, and one while the next is read.
func TestSendList_Slots(t *testing.T) {
	t.Parallel()
	var l *Limits
	running := func() int {
		_, n := l.Heavy.Slots.Load()
		return n
	}
	var reading []int
	l, e := admitted(&contract.Operation{Work: contract.Heavy}, func(ctx echo.Context) error {
		return SendList(ctx, func(yield func([]byte, error) bool) {
			for range 4 {
				reading = append(reading, running())
				if !yield([]byte(firstPart), nil) {
					return
				}
			}
		})
	})
	stalls := stalled{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.ServeHTTP(stalls, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}()
	for range 5 { // four parts, and the end
		<-stalls.reached
		if n := running(); n != 0 {
			t.Errorf("%d work slots are held while a part is being sent", n)
		}
		stalls.resume <- struct{}{}
	}
	<-done
	if !slices.Equal(reading, []int{1, 1, 1, 1}) {
		t.Errorf("work slots while parts were read: %v", reading)
	}
	wantIdle(t, l)
}
