package tracing

import (
	"errors"
	"log/slog"
	"net/url"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
)

// logFailures sends to a log what OpenTelemetry would otherwise print to standard error.
func logFailures(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("trace export failed", "error", err) }))
	otel.SetLogger(logr.New(variableLog{log}))
}

// variableLog logs the variables of OpenTelemetry that cannot be used, for which it takes the defaults.
type variableLog struct{ log *slog.Logger }

// Init implements logr.LogSink.
func (variableLog) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink: only errors are logged.
func (variableLog) Enabled(int) bool { return false }

// Info implements logr.LogSink.
func (variableLog) Info(int, string, ...any) {}

// Error implements logr.LogSink. It does not log the values, and so not the text of an error about a URL either: they
// can hold credentials.
func (v variableLog) Error(err error, step string, _ ...any) {
	if invalid, ok := errors.AsType[*url.Error](err); ok {
		err = invalid.Err
	}
	v.log.Warn("a variable OTEL_… of tracing cannot be used: the default applies", "step", step, "error", err)
}

// WithValues implements logr.LogSink.
func (v variableLog) WithValues(...any) logr.LogSink { return v }

// WithName implements logr.LogSink.
func (v variableLog) WithName(string) logr.LogSink { return v }
