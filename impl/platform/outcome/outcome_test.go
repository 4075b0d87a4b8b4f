package outcome

import (
	"context"
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures that each kind of error has its result, also as the cause of another, and that each result is counted once.
func TestCounter(t *testing.T) {
	t.Parallel()
	var c Counter
	for name, test := range map[string]struct {
		err  error
		want Result
	}{
		"none":         {nil, Accepted},
		"refused":      {fault.New(fault.CredentialsInvalid, "x"), Refused},
		"wrong code":   {fault.New(fault.OneTimeCodeInvalid, "x"), Refused},
		"limited":      {fault.New(fault.TooManyFailures, "x"), Limited},
		"store":        {fault.New(fault.StoreUnavailable, "x"), Failed},
		"busy":         {fmt.Errorf("wrapped: %w", fault.New(fault.ServerBusy, "x")), Failed},
		"gone":         {context.Canceled, Failed},
		"with reason":  {fault.Wrap(fault.CredentialsInvalid, &RefusalError{Result: Expired}, "x"), Expired},
		"reason alone": {&RefusalError{Result: Expired}, Expired},
	} {
		if got := Of(test.err); got != test.want {
			t.Errorf("%s: %s; want %s", name, got, test.want)
		}
		c.Count(test.err)
	}

	want := map[string]uint64{"accepted": 1, "refused": 2, "limited": 1, "failed": 3, "expired": 2}
	c.Each(func(result string, count uint64) {
		if count != want[result] {
			t.Errorf("%s: %d; want %d", result, count, want[result])
		}
	})
}

// Ensures that an accepted attempt, which is the usual one, allocates nothing.
func TestCounter_Allocations(t *testing.T) {
	var c Counter
	if n := testing.AllocsPerRun(100, func() { c.Count(nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
