package fault_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures that the text of an error, which is for logs, has its code, its message and both kinds of causes, and that
// only the one that callers must not see is unwrapped.
func TestError(t *testing.T) {
	t.Parallel()
	plain := fault.New(fault.UserNotFound, "there is no such user", "user_name")
	nested := fault.New(fault.RequestInvalid, "the request is invalid")
	nested.CausedBy = plain
	for name, c := range map[string]struct {
		err   *fault.Error
		text  string
		cause error
	}{
		"plain":           {plain, "user not found: there is no such user", nil},
		"caused by":       {nested, "request invalid: the request is invalid: user not found: there is no such user", nil},
		"with a cause":    {fault.Wrap(fault.StoreUnavailable, io.EOF, "it failed"), "store unavailable: it failed: EOF", io.EOF},
		"without a cause": {fault.Wrap(fault.ServerFailed, nil, "it failed"), "server failed: it failed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.err.Error(); got != c.text {
				t.Errorf("the text is %q; want %q", got, c.text)
			}
			if got := errors.Unwrap(c.err); !errors.Is(got, c.cause) || (got == nil) != (c.cause == nil) {
				t.Errorf("the cause is %v; want %v", got, c.cause)
			}
		})
	}
	if !slices.Equal(plain.Fields, []string{"user_name"}) {
		t.Errorf("the fields are %v", plain.Fields)
	}
}

// Ensures that a code is found in wrapped errors, and that no other error has it.
func TestHas(t *testing.T) {
	t.Parallel()
	missing := fault.New(fault.UserNotFound, "there is no such user")
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"the error":       {missing, true},
		"wrapped":         {fmt.Errorf("reading: %w", missing), true},
		"as a cause":      {fault.Wrap(fault.ServerFailed, missing, "it failed"), false}, // the outer code is the caller's
		"another code":    {fault.New(fault.KeyNotFound, "there is no such key"), false},
		"the same text":   {errors.New(missing.Error()), false},
		"no error":        {nil, false},
		"a nested reason": {&fault.Error{Code: fault.RequestInvalid, CausedBy: missing}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.Has(c.err, fault.UserNotFound); got != c.want {
				t.Errorf("Has is %t", got)
			}
		})
	}
}

// Ensures that validation errors are numbered in their order, and that none is no error.
func TestInvalid(t *testing.T) {
	t.Parallel()
	var problems fault.Problems
	problems.Add(false, "does not apply")
	if err := fault.Invalid(problems); err != nil {
		t.Errorf("without problems the error is %v", err)
	}
	problems.Add(true, "name is required")
	problems.Add(false, "does not apply")
	problems.Add(true, "ids must not be empty")

	var f *fault.Error
	want := "Validation Failed: 1: name is required;2: ids must not be empty;"
	if err := fault.Invalid(problems); !errors.As(err, &f) || f.Code != fault.RequestInvalid || f.Message != want {
		t.Errorf("the error is %v; want %q", err, want)
	}
}

// Ensures that a code without a kind shows nothing to a caller.
func TestKind_Zero(t *testing.T) {
	t.Parallel()
	if kind := (fault.Code{Name: "new"}).Kind; kind != fault.Internal {
		t.Errorf("the kind is %v", kind)
	}
}
