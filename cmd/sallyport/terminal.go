package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// style colours text for a terminal; the zero value leaves it as it is.
type style struct{ coloured bool }

// styleOf returns the style of a stream: without colours unless it is a terminal, and with NO_COLOR (no-color.org).
func styleOf(w io.Writer) style {
	return style{isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s style) title(text string) string   { return s.in("1", text) }
func (s style) failure(text string) string { return s.in("31", text) }
func (s style) warning(text string) string { return s.in("33", text) }

// in returns the text in a rendition of ECMA-48.
func (s style) in(rendition, text string) string {
	if !s.coloured {
		return text
	}
	return "\x1b[" + rendition + "m" + text + "\x1b[0m"
}

// progressInterval is the time after which progress is shown, and shown again.
const progressInterval = time.Second

// withProgress calls f, and meanwhile shows on a terminal that a long step still runs.
func withProgress(cmd *cobra.Command, step string, f func() error) error {
	out := cmd.ErrOrStderr()
	if !isTerminal(out) {
		return f()
	}
	return showProgress(out, step, progressInterval, f)
}

// showProgress calls f, and meanwhile writes a line with the time that has passed, which it removes in the end. A step
// that is shorter than the interval is not shown.
func showProgress(out io.Writer, step string, interval time.Duration, f func() error) error {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		begun, ticker := time.Now(), time.NewTicker(interval)
		defer ticker.Stop()
		shown := false
		for {
			select {
			case <-done:
				if shown {
					fmt.Fprint(out, "\r\x1b[K") //nolint:errcheck // only shown
				}
				return
			case <-ticker.C:
				shown = true
				passed := time.Since(begun).Truncate(interval)
				fmt.Fprintf(out, "\r%s … %s", step, passed) //nolint:errcheck // only shown
			}
		}
	}()
	err := f()
	close(done)
	<-stopped
	return err
}
