// Package outcome counts how authentication ends, for metrics.
package outcome

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/sallyport/sallyport/impl/fault"
)

// Result is how an attempt to authenticate ends.
type Result int

// All results.
const (
	Accepted Result = iota
	// Refused is for credentials that are malformed or wrong, and for users that may not sign in.
	Refused
	// Unknown is for credentials that name nothing that exists, such as a session that was logged out.
	Unknown
	Expired
	Revoked
	// Limited is for an address with too many failed attempts.
	Limited
	// Failed is for attempts that were not decided, because the store failed, the server was busy, or the caller
	// disconnected.
	Failed
	results
)

var names = [results]string{"accepted", "refused", "unknown", "expired", "revoked", "limited", "failed"}

// String returns the value of a metric's label.
func (r Result) String() string { return names[r] }

// RefusalError is why a caller was not authenticated, for metrics and the log. It is the cause of the error that the
// caller gets, which says less.
type RefusalError struct {
	Result Result
	// Reason is a constant, such as "wrong password".
	Reason string
	// User is the user that was claimed, if there is such a user: any other name may be a password in the wrong place.
	User string
}

// Error implements error.
func (r *RefusalError) Error() string { return r.Reason }

// Explain returns why a caller was not authenticated, and the user that was claimed, if it exists.
func Explain(err error) (reason, user string) {
	if r, ok := errors.AsType[*RefusalError](err); ok {
		return r.Reason, r.User
	}
	return Of(err).String(), ""
}

// Of returns the result of an attempt that ended with an error, or without one if it is nil.
func Of(err error) Result {
	if err == nil {
		return Accepted
	}
	if r, ok := errors.AsType[*RefusalError](err); ok {
		return r.Result
	}

	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case ok && f.Code.Kind == fault.RateLimited:
		return Limited
	case ok && slices.Contains(refusals, f.Code.Kind):
		return Refused
	}
	return Failed
}

// refusals are the kinds of faults that decide against a caller.
var refusals = []fault.Kind{
	fault.Unauthenticated, fault.Forbidden, fault.InvalidInput, fault.NotFound, fault.Conflict,
}

// Counter counts results. The zero value is ready for use. It is safe for concurrent use.
type Counter struct{ counts [results]atomic.Uint64 }

// Count counts the result of an attempt, by its error.
func (c *Counter) Count(err error) { c.counts[Of(err)].Add(1) }

// Each calls f with each result and its count.
func (c *Counter) Each(f func(result string, count uint64)) {
	for i := range c.counts {
		f(names[i], c.counts[i].Load())
	}
}
