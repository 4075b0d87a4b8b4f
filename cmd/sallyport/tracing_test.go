package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// traces is an OpenTelemetry collector that keeps what it receives.
type traces struct {
	url string

	mu    sync.Mutex
	spans []*tracev1.Span
	text  strings.Builder
}

func collect(t *testing.T) *traces {
	t.Helper()
	c := &traces{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("X-Tenant") != "ours" {
			t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.take(&request)
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *traces) take(request *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(prototext.Format(request))
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

// named returns the spans with a name.
func (c *traces) named(name string) []*tracev1.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*tracev1.Span
	for _, span := range c.spans {
		if span.GetName() == name {
			found = append(found, span)
		}
	}
	return found
}

// environment returns the settings of a server that sends traces to the collector.
func (c *traces) environment() []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.url, "OTEL_EXPORTER_OTLP_HEADERS=x-tenant=ours",
		"SALLYPORT_ADMIN_PASSWORD=chosen by hand"}
}

// Ensures that requests are traced by operation, as children of their callers' spans, that the log has the trace id,
// that the last spans are sent before the exit, and that no secret is in them.
func TestServe_Tracing(t *testing.T) {
	t.Parallel()
	c := collect(t)
	admin := person{"admin", "chosen by hand"}
	s := serveStore(t, newStore(t),
		append(c.environment(), "SALLYPORT_TRACING=true", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test")...)
	session := s.logIn(admin)
	const parent, trace = "00f067aa0ba902b7", "4bf92f3577b34da6a3ce929d0e0e4736"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+accountPath+"?token=in-a-query", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Authorization": {session}, "Cookie": {"a=in-a-cookie"}, "X-Forwarded-For": {"203.0.113.7"},
		"X-Request-Id": {"the-request"},
		"Traceparent":  {"00-" + trace + "-" + parent + "-01"}, "Baggage": {"key=in-the-baggage"},
	}
	if r := do(t, request); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	s.want(http.StatusNotFound, http.MethodGet, "/nothing", "", "")
	s.stop()

	for name, count := range map[string]int{"login": 1, "get-current-account": 1, "unknown": 1} {
		if got := len(c.named(name)); got != count {
			t.Errorf("%d spans are called %s; want %d of\n%s", got, name, count, c.text.String())
		}
	}
	for _, span := range c.named("get-current-account") {
		text := prototext.Format(span)
		if string(span.GetParentSpanId()) != string(unhex(t, parent)) ||
			string(span.GetTraceId()) != string(unhex(t, trace)) {
			t.Errorf("the span has another parent or trace:\n%s", text)
		}
		for _, want := range []string{"127.0.0.1", "the-request", "200"} {
			if !strings.Contains(text, want) {
				t.Errorf("the span lacks %q:\n%s", want, text)
			}
		}
	}
	if !regexp.MustCompile(`"request_id":"the-request","operation":"get-current-account",[^\n]*"trace_id":"` + trace +
		`"`).MatchString(s.output.String()) {
		t.Errorf("the log lacks the trace id")
	}
	for _, want := range []string{`"sallyport"`, `"deployment.environment.name"`} {
		if !strings.Contains(c.text.String(), want) {
			t.Errorf("the traces do not say %s", want)
		}
	}
	wantSilence(t, c.text.String(), admin.password, strings.TrimPrefix(session, "Bearer "),
		strings.TrimPrefix(admin.basic(), "Basic "),
		"in-a-query", "in-a-cookie", "in-the-baggage", "203.0.113.7")
}

// Ensures that nothing is traced unless configured, and that an unreachable collector does no harm.
func TestServe_TracingNowhere(t *testing.T) {
	t.Parallel()
	c := collect(t)
	quiet := serveStore(t, newStore(t), c.environment()...)
	quiet.want(http.StatusUnauthorized, http.MethodGet, accountPath, "", "")
	quiet.stop()
	if len(c.spans) > 0 || strings.Contains(quiet.output.String(), "trace_id") {
		t.Errorf("requests were traced without being configured:\n%s", c.text.String())
	}
	c.url = "http://127.0.0.1:1"
	lost := serveStore(t, newStore(t), append(c.environment(), "SALLYPORT_TRACING=true")...)
	lost.want(http.StatusUnauthorized, http.MethodGet, accountPath, "", "")
	lost.stop()
	lost.waitFor(regexp.MustCompile(`traces were not sent|trace export failed`))
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
