// Package tracing sends OpenTelemetry traces of requests to a collector. What is sent is which operation was called from
// where, and how that went: no credentials, no query strings, no bodies.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes a span of each request. It is safe for concurrent use.
type Tracer struct{ provider *sdktrace.TracerProvider }

// New returns a tracer that sends by OTLP over HTTP. The standard variables of OpenTelemetry say where to and how much:
// OTEL_EXPORTER_OTLP_ENDPOINT and its like, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER,
// OTEL_BSP_…. A collector that does not answer costs the spans that do not fit the queue, and a line in the log.
func New(ctx context.Context, log *slog.Logger) (*Tracer, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces cannot be sent", "error", err) }))
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "sallyport")),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces cannot be sent: %w", err)
	}
	return &Tracer{sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithBatcher(exporter))}, nil
}

// Handler wraps one whose requests are to be traced. A request that belongs to a trace already, by the headers of W3C's
// Trace Context, goes on with it.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "unknown", otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()), otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(operation string, _ *http.Request) string { return operation }))
}

// Describe names the span of a request by its operation, and says what the log calls the request and from where it came.
// For the latter, otelhttp believes whatever a caller says.
func Describe(ctx context.Context, operation, requestID, address string) {
	span := trace.SpanFromContext(ctx)
	span.SetName(operation)
	span.SetAttributes(attribute.String("sallyport.request_id", requestID), attribute.String("client.address", address))
}

// ID is that of the trace that a request belongs to, or empty.
func ID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}

// Close sends what is left, as far as there is time.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
