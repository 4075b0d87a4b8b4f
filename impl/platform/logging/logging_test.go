package logging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/impl/platform/logging"
)

// destination records what is written, each write on its own.
type destination struct {
	mu     sync.Mutex
	writes []string
}

func (d *destination) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes = append(d.writes, string(p))
	return len(p), nil
}

func (d *destination) want(t *testing.T, writes ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if fmt.Sprintf("%q", d.writes) != fmt.Sprintf("%q", writes) {
		t.Errorf("written %q; want %q", d.writes, writes)
	}
}

func write(t *testing.T, b *logging.Buffer, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if n, err := b.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	}
}

// Ensures that lines are written together, and not later than after Delay.
func TestBuffer_Delay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d destination
		b := logging.NewBuffer(&d)
		defer b.Close()
		for range 2 {
			d.writes = nil
			write(t, b, "1\n")
			time.Sleep(logging.Delay - 1)
			write(t, b, "2\n")
			synctest.Wait()
			d.want(t)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			d.want(t, "1\n2\n")
		}
	})
}

// Ensures that a full buffer is written at once, and a line that is larger than a buffer after those before it.
func TestBuffer_Full(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d destination
		b := logging.NewBuffer(&d)
		defer b.Close()
		half, large := strings.Repeat("h", 20<<10)+"\n", strings.Repeat("l", 50<<10)+"\n"
		write(t, b, "1\n", half, half)
		d.want(t, "1\n"+half)
		write(t, b, large)
		d.want(t, "1\n"+half, half, large)
	})
}

// Ensures that Close writes the held lines, and that later lines are written at once.
func TestBuffer_Close(t *testing.T) {
	t.Parallel()
	var d destination
	b := logging.NewBuffer(&d)
	write(t, b, "1\n")
	b.Close()
	write(t, b, "2\n", "3\n")
	d.want(t, "1\n", "2\n", "3\n")
}

// blocked is a destination that blocks until it is closed.
type blocked chan struct{}

func (b blocked) Write(p []byte) (int, error) {
	<-b
	return len(p), nil
}

// Ensures that writers wait for a destination that blocks, so that the buffer does not grow.
func TestBuffer_BlockedDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := make(blocked)
		b := logging.NewBuffer(d)
		line, written := bytes.Repeat([]byte("l"), 1<<10), 0
		go func() {
			for range 100 {
				b.Write(line) //nolint:errcheck // it returns no error
				written++
			}
		}()
		synctest.Wait()
		if written == 0 || written > 32 {
			t.Errorf("%d KiB accepted; want at most 32", written)
		}
		close(d)
		synctest.Wait()
		if written != 100 {
			t.Errorf("%d KiB accepted once the destination is free; want 100", written)
		}
		b.Close()
	})
}

// failing is a destination that fails.
type failing struct{ tries int }

func (f *failing) Write([]byte) (int, error) {
	f.tries++
	return 0, errors.New("no space")
}

// Ensures that lines are dropped if they cannot be written, and not tried again.
func TestBuffer_FailingDestination(t *testing.T) {
	t.Parallel()
	var d failing
	b := logging.NewBuffer(&d)
	write(t, b, "1\n")
	b.Flush()
	b.Flush()
	b.Close()
	if d.tries != 1 {
		t.Errorf("tried %d times; want 1", d.tries)
	}
}

// Ensures that records of level warn and above are written at once, in order, also by a logger with attributes.
func TestHandler_Urgent(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		t.Run(level.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d destination
				b := logging.NewBuffer(&d)
				defer b.Close()
				log := slog.New(logging.NewHandler(b, slog.LevelInfo, "text"))
				for _, each := range []*slog.Logger{log, log.With("a", 1), log.WithGroup("g")} {
					d.writes = nil
					each.Info("before")
					each.Log(t.Context(), level, "after")
					urgent := len(d.writes) == 1 && strings.Index(d.writes[0], "before") < strings.Index(d.writes[0], "after")
					if urgent != (level >= slog.LevelWarn) {
						t.Errorf("written %q", d.writes)
					}
					b.Flush()
				}
			})
		})
	}
}

// Ensures that every record is encoded as slog does it.
func TestHandler_SameAsSlog(t *testing.T) {
	t.Parallel()
	seconds := func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
		}
		return a
	}
	formats := map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: seconds})
		},
	}
	for format, standard := range formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				r := drawRecord(t)
				var got, want bytes.Buffer
				b := logging.NewBuffer(&got)
				ours := logging.NewHandler(b, slog.LevelInfo, format)
				if err := errors.Join(ours.Handle(t.Context(), r), standard(&want).Handle(t.Context(), r)); err != nil {
					t.Fatal(err)
				}
				b.Close()
				if got.String() != want.String() {
					t.Errorf("%q; want %q", got.String(), want.String())
				}
			})
		})
	}
}

// Ensures that durations have a unit in the log in both formats.
func TestHandler_Durations(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"json": `"duration_seconds":0.09975,`, "text": ` duration=99.75ms `} {
		var log bytes.Buffer
		b := logging.NewBuffer(&log)
		logger := slog.New(logging.NewHandler(b, slog.LevelInfo, format))
		logger.Info("request", "duration", 99750*time.Microsecond, "status", 200)
		b.Close()
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: %s", format, log.String())
		}
	}
}

func drawRecord(t *rapid.T) slog.Record {
	seconds := rapid.Int64Range(-1<<35, 1<<37).Draw(t, "seconds")
	at := time.Unix(seconds, rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds"))
	zones := []*time.Location{time.UTC, time.FixedZone("", 5400), time.FixedZone("", -30)}
	zone := rapid.SampledFrom(zones).Draw(t, "zone")
	if at = at.In(zone); rapid.IntRange(0, 20).Draw(t, "no time") == 0 {
		at = time.Time{}
	}
	r := slog.NewRecord(at, slog.Level(rapid.IntRange(-1, 9).Draw(t, "level")), drawText(t), 0)
	r.AddAttrs(rapid.SliceOfN(rapid.Custom(drawAttr), 0, 7).Draw(t, "attributes")...)
	if rapid.Bool().Draw(t, "grouped") {
		members := rapid.SliceOfN(rapid.Custom(drawAttr), 0, 4).Draw(t, "members")
		r.AddAttrs(slog.Attr{Key: rapid.SampledFrom([]string{"", "g"}).Draw(t, "group"), Value: slog.GroupValue(members...)})
	}
	return r
}

func drawText(t *rapid.T) string {
	return rapid.OneOf(rapid.StringMatching(`[a-z/_.:-]{0,20}`), rapid.StringMatching(`[ -\x7f]{0,9}`), rapid.String()).
		Draw(t, "text")
}

func drawAttr(t *rapid.T) slog.Attr {
	key := drawText(t)
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return slog.Int64(key, rapid.Int64().Draw(t, "integer"))
	case 1:
		return slog.Duration(key, time.Duration(rapid.Int64().Draw(t, "duration")))
	case 2:
		return slog.Duration(key, time.Duration(rapid.Int64Range(0, 1e7).Draw(t, "short")))
	case 3:
		return slog.Any(key, errors.New(drawText(t)))
	default:
		return slog.String(key, drawText(t))
	}
}

// raced is set if the race detector is on.
var raced bool

// Ensures that a simple record costs no more memory than the text of its duration.
func TestHandler_Allocations(t *testing.T) {
	if raced {
		t.Skip("the race detector empties pools: make costs counts")
	}
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			b := logging.NewBuffer(io.Discard)
			defer b.Close()
			h := logging.NewHandler(b, slog.LevelInfo, format)
			attrs := []slog.Attr{
				slog.String("path", "/api/v1/account"),
				slog.String("user", ""),
				slog.Int("status", 200),
				slog.Duration("duration", 12345*time.Nanosecond),
			}
			r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
			r.AddAttrs(slog.Attr{Value: slog.GroupValue(attrs...)})
			if got := testing.AllocsPerRun(100, func() { _ = h.Handle(context.Background(), r) }); got > 1 {
				t.Errorf("%v allocations; want at most 1", got)
			}
		})
	}
}
