package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// brief is an error with a shorter text.
type brief struct {
	error
	text string
}

func (b brief) Error() string { return b.text }

func (b brief) Unwrap() error { return b.error }

// briefly tells of the ways in which a connection was tried only the last one, in one line: those before are how pgx came to
// it, such as with TLS before without, or with each address of a host.
func briefly(err error) error {
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) {
		return err
	}
	text := fmt.Sprintf("no connection as %s to %s: %s", connect.Config.User, connect.Config.Database, lastLine(connect.Unwrap()))
	return brief{err, text}
}

// lastLine is the text of an error, or of the last of those it joins.
func lastLine(err error) string {
	text := strings.TrimSpace(err.Error())
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// misread says what pgx cannot take in the address of a server. Its own text quotes the address, with the passwords that it
// finds hidden, before the cause.
func misread(err error) error {
	text := err.Error()
	cause := strings.LastIndex(text, "`: ")
	var parse *pgconn.ParseConfigError
	if !errors.As(err, &parse) || cause < 0 || strings.Contains(text[cause:], "failed to parse as URL") { // which may quote a part
		return errURL
	}
	return fmt.Errorf("the address of the server cannot be used: %s", text[cause+len("`: "):])
}
