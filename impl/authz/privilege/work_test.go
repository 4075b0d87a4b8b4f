package privilege

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// asked queries a privilege over many index patterns, up to a body of 16 KiB, and returns the cost.
func asked(t *testing.T, s *Set, shape string, questions int) (units int64, allocated uint64, err error) {
	t.Helper()
	ctx, meter := work.Metered(t.Context())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	q := Unlimited(s).Inquire(Names{}, NewBudget(ctx))
	for n, size := 0, 0; n < questions && size < 16<<10 && err == nil; n++ {
		pattern := fmt.Sprintf(shape, n)
		size += len(pattern) + len(`"",`)
		_, err = q.HasIndex(pattern, "read", false)
	}

	runtime.ReadMemStats(&after)
	return meter.Used(), after.TotalAlloc - before.TotalAlloc, err
}

// Ensures that patterns in a body of 16 KiB take at most 64 MiB and the work of one inquiry, against roles of any
// shape.
func TestInquiry_Work(t *testing.T) {
	for role, names := range map[string][]string{
		"prefix":     {"logs-*"},
		"everything": {"*"},
		"expression": {"/.*b.*/"},
		"same":       {"/.*a.{20}.*/"},
		"many":       {"logs-*", "a*", "b?c*", "/[a-z]+-x/", "*-y"},
	} {
		s := compile(t, Role{Indices: []Index{{Names: names, Privileges: []string{"read"}}}})
		for shape, pattern := range map[string]string{
			"determinization": "/.*a.{20}%d.*/",
			"long":            "/.{200}%d/",
			"longest":         "/.{500}%d/",
			"alternatives":    "/(a|b|ab|ba|aab%d)*c/",
			"wildcards":       "*a%d*b*c*d*e*",
			"marks":           "*?a%d?*?b?*",
			"classes":         "/[a-z]{50}%d[0-9]{50}.*/",
			"short":           "/a*%d/",
			"names":           "name-%d",
		} {
			t.Run(role+", "+shape, func(t *testing.T) {
				units, allocated, err := asked(t, s, pattern, 1<<20)
				if err != nil && !errors.Is(err, ErrTooMuch) {
					t.Fatal(err)
				}
				if allocated > 64<<20 || units > maxInquiry+maxSearch {
					t.Errorf("%d units, %d bytes, %v", units, allocated, err)
				}
			})
		}
	}
}

// Ensures that work grows linearly with the number of patterns.
func TestInquiry_Growth(t *testing.T) {
	s := compile(t, Role{Indices: []Index{{Names: []string{"logs-*", "/[a-z]+-x/"}, Privileges: []string{"read"}}}})
	for _, shape := range []string{"/a.{20}%d.*/", "*a%d*b*", "name-%d"} {
		once, onceBytes, err1 := asked(t, s, shape, 50)
		twice, twiceBytes, err2 := asked(t, s, shape, 100)
		if err1 != nil || err2 != nil || float64(twice) > 2.3*float64(once) || float64(twiceBytes) > 2.3*float64(onceBytes) {
			t.Errorf("%s: %d units and %d bytes, %v; then %d and %d, %v", shape, once, onceBytes, err1, twice, twiceBytes, err2)
		}
	}
}

// Ensures that an inquiry stops in the middle of a search when the client disconnects.
func TestInquiry_Disconnected(t *testing.T) {
	s := compile(t, Role{Indices: []Index{{Names: []string{"logs-*"}, Privileges: []string{"read"}}}})
	ctx, cancel := context.WithCancel(t.Context())
	q := Unlimited(s).Inquire(Names{}, NewBudget(ctx))
	cancel()
	if has, err := q.HasIndex("/.*a.{20}b.*/", "read", false); has || !errors.Is(err, context.Canceled) {
		t.Errorf("%t, %v", has, err)
	}
}

// Ensures that parsing the actions of registered privileges is charged as work.
func TestRegistered_Work(t *testing.T) {
	var actions []string
	for i := range 10_000 {
		actions = append(actions, fmt.Sprintf("/data.{400}%d/", i))
	}

	s := compile(t, Role{Applications: []Application{{"myapp", []string{"p"}, []string{"*"}}}})
	_, err := Unlimited(s).Registered(NewRegistry(map[string]map[string][]string{"myapp": {"p": actions}}),
		NewBudget(t.Context()))
	if !errors.Is(err, ErrTooMuch) {
		t.Error(err)
	}
}
