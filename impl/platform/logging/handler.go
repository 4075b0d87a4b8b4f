package logging

import (
	"context"
	"log/slog"
	"sync"
)

// handler encodes records as the handlers of log/slog do. It encodes simple ones itself, without allocations, and
// leaves all others to slog's.
type handler struct {
	slog.Handler

	buffer *Buffer
	// encode appends the line of a record, and reports whether it could; nil if all records are left to slog.
	encode func(line []byte, r slog.Record) ([]byte, bool)
}

// NewHandler returns a handler that writes records of a level or above to a buffer, in the format json or text. Records
// of level warn and above are written at once, after those before them.
func NewHandler(buffer *Buffer, level slog.Level, format string) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		options.ReplaceAttr = durationInSeconds
		return handler{slog.NewJSONHandler(buffer, options), buffer, appendJSON}
	}
	return handler{slog.NewTextHandler(buffer, options), buffer, appendText}
}

// durationInSeconds writes a duration as a number of seconds, with the unit in the attribute's name.
func durationInSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Float64(a.Key+secondsSuffix, a.Value.Duration().Seconds())
}

const secondsSuffix = "_seconds"

// lines are the buffers of lines that are being encoded.
var lines = sync.Pool{New: func() any { return new([]byte) }}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	err := h.write(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.buffer.Flush()
	}
	return err
}

func (h handler) write(ctx context.Context, r slog.Record) error {
	if h.encode == nil {
		return h.Handler.Handle(ctx, r)
	}

	line := lines.Get().(*[]byte)
	defer lines.Put(line)
	encoded, simple := h.encode((*line)[:0], r)
	*line = encoded
	if !simple {
		return h.Handler.Handle(ctx, r)
	}
	_, err := h.buffer.Write(encoded)
	return err
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.buffer, nil}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.buffer, nil}
}
