// Package tracing exports OpenTelemetry traces of requests to a collector. A span holds the operation, the client
// address, the status and the duration; it never holds credentials, query strings or bodies.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer creates one span per request. It is safe for concurrent use.
type Tracer struct{ provider *sdktrace.TracerProvider }

// New returns a tracer that exports by OTLP over HTTP. The standard OpenTelemetry variables configure it:
// OTEL_EXPORTER_OTLP_ENDPOINT and related ones, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and
// OTEL_BSP_…. If the collector does not answer, spans that exceed the export queue are dropped and the error is logged.
func New(ctx context.Context, log *slog.Logger) (*Tracer, error) {
	logFailures(log)

	service, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "sallyport")),
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}

	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot create the trace exporter: %w", err)
	}
	return &Tracer{sdktrace.NewTracerProvider(sdktrace.WithResource(service), sdktrace.WithBatcher(exporter))}, nil
}

// Handler returns a handler that traces the requests to next. A request that carries W3C Trace Context headers
// continues the trace that they name.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	nameSpan := func(operation string, _ *http.Request) string { return operation }
	return otelhttp.NewHandler(next, "unknown",
		otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(nameSpan),
	)
}

// Describe names the span of a request after its operation and sets the request id, as logged, and the client address.
// otelhttp takes the client address from headers that the caller controls, so it is replaced by the given one.
func Describe(ctx context.Context, operation, requestID, address string) {
	span := trace.SpanFromContext(ctx)
	span.SetName(operation)
	span.SetAttributes(attribute.String("sallyport.request_id", requestID), attribute.String("client.address", address))
}

// ID returns the id of the trace that a request belongs to, or "".
func ID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}

// Close exports the queued spans and stops the tracer. It returns an error if the context is done first.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
