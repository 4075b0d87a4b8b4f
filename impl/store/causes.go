package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// shortError is an error with a shorter text.
type shortError struct {
	error
	text string
}

func (b shortError) Error() string { return b.text }

func (b shortError) Unwrap() error { return b.error }

// shorten reduces a failure to connect to the cause of the last attempt, in one line. Earlier attempts are how pgx
// arrived there: with TLS before without, or with each address of a host.
func shorten(err error) error {
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) {
		return err
	}
	text := fmt.Sprintf("no connection as %s to %s: %s", connect.Config.User, connect.Config.Database,
		lastLine(connect.Unwrap()))
	return shortError{err, text}
}

// lastLine returns the text of an error, or of the last error that it joins.
func lastLine(err error) string {
	text := strings.TrimSpace(err.Error())
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// parseError returns why pgx cannot parse the address of a server. The text of pgx also quotes the address, with the
// passwords hidden that it finds.
func parseError(err error) error {
	text := err.Error()
	cause := strings.LastIndex(text, "`: ")
	var parse *pgconn.ParseConfigError
	// which may quote a part
	if !errors.As(err, &parse) || cause < 0 || strings.Contains(text[cause:], "failed to parse as URL") {
		return errURL
	}
	return fmt.Errorf("the address of the server cannot be used: %s", text[cause+len("`: "):])
}
