package control

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Fault is what a server does to requests of an operation instead of answering them. At least one of Status, Drop,
// Truncate and Delay must be set.
type Fault struct {
	// ID names the fault, so that it can be replaced and removed; it may be empty.
	ID string
	// Operation is the operationId of the contract, such as "create-api-key".
	Operation string
	// Delay is the time that passes before the answer, in real time.
	Delay time.Duration
	// Status is that of the answer, 400 to 599; zero if the operation answers.
	Status int
	// RetryAfter is the value of the answer's Retry-After in whole seconds, rounded up; zero if there is none.
	RetryAfter time.Duration
	// Drop closes the connection without an answer.
	Drop bool
	// Truncate closes the connection after the first half of the answer's body. The operation takes effect.
	Truncate bool
	// Handled is set if the operation takes effect before the fault, as if its answer were lost.
	Handled bool
	// Times is the number of requests after which the fault ends; zero is never.
	Times int
	// Probability is that of a request to meet the fault, in the order of the requests by a generator with this seed;
	// zero is always.
	Probability float64
	Seed        uint64
}

// check returns an error unless the fault can be injected.
func (f Fault) check() error {
	switch {
	case f.Status == 0 && !f.Drop && !f.Truncate && f.Delay == 0:
		return errors.New("a fault needs a status, a dropped connection, a truncated answer or a delay")
	case f.Status != 0 && f.Drop || f.Truncate && (f.Status != 0 || f.Drop):
		return errors.New("a fault has a status, a dropped connection or a truncated answer, not two of them")
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("the status of a fault must be 400 to 599, and %d is not", f.Status)
	case f.RetryAfter != 0 && f.Status == 0:
		return errors.New("a fault with Retry-After needs a status")
	case f.Delay < 0 || f.RetryAfter < 0 || f.Times < 0:
		return errors.New("delay, Retry-After and times of a fault must not be negative")
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("the probability of a fault must be 0 to 1, and %v is not", f.Probability)
	}
	return nil
}

// Faults are the faults of a server. It is safe for concurrent use.
type Faults struct {
	operations []string

	mu   sync.Mutex
	list []*injection
}

// injection is a fault that is in effect.
type injection struct {
	Fault

	// left is the number of requests that the fault is still for, if it ends.
	left   int
	random *rand.Rand
}

func newFaults() (*Faults, error) {
	document, err := contract.Load()
	if err != nil {
		return nil, err
	}
	f := &Faults{}
	for _, op := range document.Operations {
		f.operations = append(f.operations, op.ID)
	}
	slices.Sort(f.operations)
	return f, nil
}

// ErrUnknownOperation is wrapped by the error for an operation that the contract does not have.
var ErrUnknownOperation = errors.New("there is no operation")

// maxFaults is the maximum number of faults.
const maxFaults = 1000

// Add adds a fault, in place of the one with the same ID if there is one. Of the faults of an operation, each request
// meets the first one that has not ended. Add returns ErrUnknownOperation, with similar operations, if the contract
// does not have the operation.
func (f *Faults) Add(fault Fault) error {
	if _, exists := slices.BinarySearch(f.operations, fault.Operation); !exists {
		return f.unknown(fault.Operation)
	}
	if err := fault.check(); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(fault.Seed, 0)) //nolint:gosec // tests repeat it
	f.mu.Lock()
	defer f.mu.Unlock()
	added := &injection{fault, fault.Times, random}
	if i := f.index(fault.ID); i >= 0 {
		f.list[i] = added
		return nil
	}
	if len(f.list) == maxFaults {
		return fmt.Errorf("there are %d faults, which is the maximum", maxFaults)
	}
	f.list = append(f.list, added)
	return nil
}

// index returns the index of the fault with an ID, or -1.
func (f *Faults) index(id string) int {
	return slices.IndexFunc(f.list, func(each *injection) bool { return id != "" && each.ID == id })
}

// Remove ends the fault with an ID, and reports whether there was one.
func (f *Faults) Remove(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.index(id)
	if i < 0 {
		return false
	}
	f.list = slices.Delete(f.list, i, i+1)
	return true
}

// List returns the faults that have not ended, in the order in which requests meet them. Their Times is the number of
// requests that they are still for.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	faults := make([]Fault, len(f.list))
	for i, each := range f.list {
		faults[i] = each.Fault
		faults[i].Times = each.left
	}
	return faults
}

// maxSuggestions is the maximum number of operations that an error suggests.
const maxSuggestions = 3

// unknown returns the error for an operation that the contract does not have.
func (f *Faults) unknown(operation string) error {
	var similar []string
	candidates := slices.Clone(f.operations)
	for len(similar) < maxSuggestions {
		best := xcontent.Suggest(operation, candidates)
		if best == "" {
			break
		}
		similar = append(similar, best)
		candidates = slices.DeleteFunc(candidates, func(id string) bool { return id == best })
	}
	hint := "operations are named by their operationId in api/openapi.yaml"
	if len(similar) > 0 {
		hint = "similar are " + strings.Join(similar, ", ")
	}
	return fmt.Errorf("%w %q; %s", ErrUnknownOperation, contract.Clip(operation), hint)
}

// Clear ends all faults.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// next returns the fault that a request of an operation meets, and reports whether there is one.
func (f *Faults) next(operation string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, each := range f.list {
		if each.Operation != operation || each.Probability > 0 && each.random.Float64() >= each.Probability {
			continue
		}
		if each.Times > 0 {
			if each.left--; each.left == 0 {
				f.list = slices.Delete(f.list, i, i+1)
			}
		}
		return each.Fault, true
	}
	return Fault{}, false
}
