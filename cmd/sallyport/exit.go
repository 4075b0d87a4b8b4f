package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/printable"
	"github.com/sallyport/sallyport/impl/store"
)

// The exit codes of the program.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitDenied      = 4
	exitDifferent   = 5
	exitInterrupted = 130 // as shells have it for SIGINT
)

// exitMeanings documents the exit codes.
var exitMeanings = map[int]string{
	0:               "success",
	exitFailed:      "the command was refused, or failed: standard error has the reason",
	exitUsage:       "the command line, a setting, an input file or a value in it is invalid: nothing was done",
	exitUnreachable: "the database or the server does not answer, or is overloaded: try again",
	exitDenied:      "the server refuses the credentials, or they lack the permission",
	exitDifferent:   "`conformance` found differences",
	exitInterrupted: "a signal interrupted the command",
}

// exitCodes are the exit codes of the kinds of faults; all others have exitFailed. The answers of a server have the
// same: see exitCode.
var exitCodes = map[fault.Kind]int{
	fault.InvalidInput:      exitUsage,
	fault.TooLarge:          exitUsage,
	fault.Unavailable:       exitUnreachable,
	fault.Overloaded:        exitUnreachable,
	fault.Unauthenticated:   exitDenied,
	fault.Forbidden:         exitDenied,
	fault.ElevationRequired: exitDenied,
	fault.RateLimited:       exitDenied,
}

// exitError is an error with an exit code of its own.
type exitError struct {
	error

	code int
}

// Unwrap returns the error without the code.
func (e exitError) Unwrap() error { return e.error }

// usageError gives an error the exit code of mistakes in the command line and the settings.
func usageError(err error) error {
	if err == nil {
		return nil
	}
	return exitError{err, exitUsage}
}

// usageErrorf returns an error about the command line.
func usageErrorf(format string, args ...any) error { return usageError(fmt.Errorf(format, args...)) }

// exitCode returns the exit code of the program for an error.
func exitCode(err error) int {
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if own, ok := errors.AsType[exitError](err); ok {
		return own.code
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return cmp.Or(exitCodes[f.Code.Kind], exitFailed)
	}

	connection, dialed := errors.AsType[*net.OpError](err)
	database, unopened := errors.AsType[*store.OpenError](err)
	switch {
	case client.IsUnavailable(err), dialed && connection.Op == "dial", unopened && database.Temporary():
		return exitUnreachable
	case client.IsUnauthenticated(err), client.IsForbidden(err), client.IsElevationNeeded(err),
		client.IsRateLimited(err):
		return exitDenied
	case client.IsInvalid(err), unopened:
		return exitUsage
	}
	return exitFailed
}

// describe returns the text of an error for a user, without the codes of faults and of answers of a server.
func describe(err error) string {
	if errors.Is(err, context.Canceled) {
		return interrupted(err)
	}
	text := err.Error()
	for _, each := range tree(err) {
		switch e := each.(type) { //nolint:errorlint // each error of the tree is looked at
		case *fault.Error:
			text = strings.Replace(text, e.Code.Name+": "+e.Message, e.Message, 1)
		case *client.Error:
			text = strings.Replace(text, e.Error(), answer(e), 1)
		}
	}
	return text
}

// interrupted returns the text of an error of which a signal is the cause.
func interrupted(err error) string {
	if client.IsUncertain(err) {
		return "interrupted; the command may have taken effect"
	}
	return "interrupted"
}

// tree returns an error and all errors that it wraps.
func tree(err error) []error {
	all := []error{err}
	switch wrapper := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		if inner := wrapper.Unwrap(); inner != nil {
			all = append(all, tree(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			all = append(all, tree(inner)...)
		}
	}
	if f, ok := err.(*fault.Error); ok && f.CausedBy != nil { //nolint:errorlint // the tree is walked here
		all = append(all, tree(f.CausedBy)...)
	}
	return all
}

// answer returns what a server answered, for a user, in one line.
func answer(e *client.Error) string {
	text := cmp.Or(e.Message, e.Reason, http.StatusText(e.Status))
	if cause := e.Unwrap(); cause != nil {
		text += ": " + cause.Error()
	}
	if e.Uncertain {
		text += "; the command may have taken effect"
	}
	if e.RequestID != "" && e.Status != 0 {
		text += " (request " + e.RequestID + ")"
	}
	return printable.Text(strings.TrimPrefix(text, ": "))
}
