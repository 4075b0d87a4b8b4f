package tracing_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/tracing"
)

// collector receives spans. Its texts are in the bytes that it gets, which are a binary format.
type collector struct {
	mu   sync.Mutex
	got  bytes.Buffer
	fail bool
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	_, _ = io.Copy(&c.got, body) // an incomplete text fails the test
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String()
}

// start returns a tracer that sends to a new collector, and its log.
func start(t *testing.T) (*tracing.Tracer, *collector, *bytes.Buffer) {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_SERVICE_NAME", "named-by-the-environment")

	log := &bytes.Buffer{}
	tracer, err := tracing.New(t.Context(), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return tracer, c, log
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// serve serves a request with credentials and a query, and returns the trace id that the handler sees.
func serve(tracer *tracing.Tracer, header string) (id string) {
	handler := tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tracing.Describe(r.Context(), "create-api-key", "request-7", "192.0.2.7")
		id = tracing.ID(r.Context())
		w.WriteHeader(http.StatusCreated)
	}))
	r := httptest.NewRequest(http.MethodPost, "/api/v1/keys?state=hidden-query", strings.NewReader("hidden-body"))
	r.Header.Set("Authorization", "Bearer hidden-token")
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if header != "" {
		r.Header.Set("Traceparent", header)
	}
	handler.ServeHTTP(httptest.NewRecorder(), r)
	return id
}

// Ensures that Close sends the span of a request, with the operation, the request id and the given address, and with
// neither credentials nor the query, the body or an address that the caller chose.
func TestTracer(t *testing.T) {
	tracer, collected, log := start(t)
	id := serve(tracer, "")
	if len(id) != len(traceID) {
		t.Errorf("the trace id is %q", id)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	sent := collected.text()
	for _, want := range []string{"create-api-key", "request-7", "192.0.2.7", "named-by-the-environment"} {
		if !strings.Contains(sent, want) {
			t.Errorf("the span has no %q", want)
		}
	}
	for _, secret := range []string{"hidden-query", "hidden-body", "hidden-token", "203.0.113.9"} {
		if strings.Contains(sent, secret) {
			t.Errorf("the span has %q", secret)
		}
	}
	if log.Len() > 0 {
		t.Errorf("the log has %s", log)
	}
}

// Ensures that a request continues the trace that its header names, unless the header is malformed.
func TestTracer_Parent(t *testing.T) {
	tracer, _, _ := start(t)
	defer tracer.Close(t.Context()) //nolint:errcheck // nothing is expected of the collector
	for name, c := range map[string]struct {
		header    string
		continues bool
	}{
		"a parent":         {parent, true},
		"none":             {"", false},
		"malformed":        {"00-" + traceID, false},
		"an invalid trace": {"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", false},
	} {
		t.Run(name, func(t *testing.T) {
			if id := serve(tracer, c.header); (id == traceID) != c.continues || id == "" {
				t.Errorf("the trace id is %q", id)
			}
		})
	}
}

// Ensures that a context without a trace has no id, and can be described without effect.
func TestID_None(t *testing.T) {
	tracing.Describe(t.Context(), "login", "1", "192.0.2.7")
	if id := tracing.ID(t.Context()); id != "" {
		t.Errorf("the trace id is %q", id)
	}
}

// Ensures that a collector that refuses spans is logged, and that Close does not wait longer than its context.
func TestTracer_CollectorFails(t *testing.T) {
	tracer, collected, log := start(t)
	collected.fail = true
	serve(tracer, "")
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := tracer.Close(limited)
	if err == nil && !strings.Contains(log.String(), "trace export failed") {
		t.Errorf("Close returns %v, and the log has %q", err, log)
	}

	ended, end := context.WithCancel(t.Context())
	end()
	tracer, _, _ = start(t)
	serve(tracer, "")
	if err := tracer.Close(ended); err == nil {
		t.Error("Close with a context that has ended returns no error")
	}
}

// Ensures that malformed attributes in the environment are refused by the name of their variable.
func TestNew_Attributes(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "no-value")
	_, err := tracing.New(t.Context(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "OTEL_RESOURCE_ATTRIBUTES") {
		t.Errorf("the error is %v", err)
	}
}

// Ensures that a variable that cannot be used is in the log, without its value, which can hold credentials.
func TestNew_Variables(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hidden@127.0.0.1:port",
		"OTEL_EXPORTER_OTLP_HEADERS":  "hidden",
		"OTEL_EXPORTER_OTLP_TIMEOUT":  "soon",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			var log bytes.Buffer
			tracer, err := tracing.New(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			if err := tracer.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if got := log.String(); !strings.Contains(got, "cannot be used: the default applies") ||
				strings.Contains(got, "hidden") {
				t.Errorf("the log is %q", got)
			}
		})
	}
}
