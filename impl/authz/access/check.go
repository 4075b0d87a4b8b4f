package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/store"
)

// PrivilegeCheck is a request to check which privileges the subject has.
type PrivilegeCheck struct {
	// Cluster holds names of cluster privileges and patterns of cluster actions.
	Cluster      []string
	Indices      []IndexCheck
	Applications []ApplicationCheck
}

// IndexCheck checks each privilege on all indices that match each of the names, which may be patterns.
type IndexCheck struct {
	Names, Privileges []string
	// AllowRestricted extends Names to restricted indices, which are reserved for the system.
	AllowRestricted bool
}

// ApplicationCheck checks each privilege of an application on each resource.
type ApplicationCheck struct {
	Application           string
	Privileges, Resources []string
}

// CheckResult reports which of the checked privileges the subject has.
type CheckResult struct {
	UserName string
	HasAll   bool
	// Cluster has an entry per privilege, Index per name and privilege, Application per application, resource and
	// privilege. A privilege that is checked twice is reported as held if both checks succeed.
	Cluster     map[string]bool
	Index       map[string]map[string]bool
	Application map[string]map[string]map[string]bool
}

// maxResults and maxResultBytes bound the memory of a check: the result names a privilege once per index name or
// resource.
const (
	maxResults     = 100_000
	maxResultBytes = 16 << 20
)

// HasPrivileges checks a subject's privileges. It returns fault.RequestInvalid for an empty check or an invalid name of
// an application or application privilege, and fault.InvalidData for an unknown privilege, an invalid pattern, or a
// check that is too large or takes too long.
func (s *Service) HasPrivileges(ctx context.Context, subject Subject, q PrivilegeCheck) (CheckResult, error) {
	if err := q.check(); err != nil {
		return CheckResult{}, err
	}

	result, err := s.evaluate(ctx, subject.Privileges, q, privilege.NewBudget(ctx))
	result.UserName = subject.User
	return result, err
}

// HaveAll reports for each of the principals whether it has all privileges of a check. It returns the errors of
// HasPrivileges; the limit of time is that of one check.
func (s *Service) HaveAll(ctx context.Context, principals []identity.Principal, q PrivilegeCheck) ([]bool, error) {
	if err := q.check(); err != nil {
		return nil, err
	}

	spent := privilege.NewBudget(ctx)
	known := map[grounds]bool{}
	have := make([]bool, len(principals))
	for i, p := range principals {
		same := groundsOf(p)
		has, checked := known[same]
		if !checked {
			subject, err := s.Subject(ctx, p)
			if err != nil {
				return nil, err
			}
			result, err := s.evaluate(ctx, subject.Privileges, q, spent)
			if err != nil {
				return nil, err
			}
			has = result.HasAll
			known[same] = has
		}
		have[i] = has
	}
	return have, nil
}

// evaluate evaluates a valid check.
func (s *Service) evaluate(
	ctx context.Context, effective privilege.Effective, q PrivilegeCheck, spent *work.Budget,
) (CheckResult, error) {
	if len(q.Applications) > 0 {
		var err error
		if effective, err = s.withRegistry(ctx, effective, spent); err != nil {
			return CheckResult{}, err
		}
	}

	r := evaluator{effective.Inquire(s.names, spent), CheckResult{
		HasAll:      true,
		Cluster:     map[string]bool{},
		Index:       map[string]map[string]bool{},
		Application: map[string]map[string]map[string]bool{},
	}}
	if err := r.evaluate(q); err != nil {
		if ctx.Err() != nil {
			return CheckResult{}, ctx.Err()
		}
		return CheckResult{}, fault.New(fault.InvalidData, err.Error())
	}
	return r.result, nil
}

// withRegistry returns the privileges with the registered definitions of application privileges. The result is not
// cached, because the definitions change.
func (s *Service) withRegistry(
	ctx context.Context, effective privilege.Effective, spent *work.Budget,
) (privilege.Effective, error) {
	registry, err := store.Read(ctx, s.store, applicationprivilege.Registry)
	if err != nil {
		return effective, err
	}

	effective, err = effective.Registered(registry, spent)
	switch {
	case errors.Is(err, privilege.ErrTooMuch):
		return effective, fault.New(fault.InvalidData, err.Error())
	case err != nil:
		return effective, fmt.Errorf("access: %w", err)
	}
	return effective, nil
}

// check returns an error for a check that is empty, too large, or has invalid names.
func (q PrivilegeCheck) check() error {
	// bytes leaves out cluster privileges: the result names each as often as the request.
	count, bytes := len(q.Cluster), 0
	for _, i := range q.Indices {
		count += len(i.Names) * len(i.Privileges)
		bytes += len(i.Names) * totalLength(i.Privileges)
	}
	for _, a := range q.Applications {
		count += len(a.Privileges) * len(a.Resources)
		bytes += len(a.Resources) * totalLength(a.Privileges)
	}

	if bytes > maxResultBytes {
		return fault.New(fault.InvalidData,
			fmt.Sprintf("the check of privileges asks for an answer of more than [%d] bytes; ask for less at once",
				maxResultBytes))
	}
	if count > maxResults {
		return fault.New(fault.InvalidData,
			fmt.Sprintf("the check of privileges asks for %d answers; ask for at most %d at once", count, maxResults))
	}
	if len(q.Cluster)+len(q.Indices)+len(q.Applications) == 0 {
		return fault.Invalid([]string{"must specify at least one privilege"})
	}
	return fault.Invalid(q.checkNames())
}

func totalLength(texts []string) int {
	sum := 0
	for _, text := range texts {
		sum += len(text)
	}
	return sum
}

// maxMessages bounds the errors of one response.
const maxMessages = 100

// checkNames returns a message for each invalid name of an application or application privilege.
func (q PrivilegeCheck) checkNames() []string {
	var messages []string
	for _, a := range q.Applications {
		errs := []error{privilege.CheckApplicationName(a.Application)}
		for _, p := range a.Privileges {
			errs = append(errs, privilege.CheckApplicationPrivilege(p))
		}
		for _, err := range errs {
			if err != nil && len(messages) < maxMessages {
				messages = append(messages, err.Error())
			}
		}
	}
	return messages
}

// evaluator evaluates a check and collects its result.
type evaluator struct {
	inquiry *privilege.Inquiry
	result  CheckResult
}

func (r *evaluator) evaluate(q PrivilegeCheck) error {
	for _, p := range q.Cluster {
		has, err := r.inquiry.HasCluster(p)
		if err != nil {
			return err
		}
		r.record(r.result.Cluster, p, has)
	}

	for _, i := range q.Indices {
		if err := r.evaluateIndex(i); err != nil {
			return err
		}
	}

	for _, a := range q.Applications {
		if err := r.evaluateApplication(a); err != nil {
			return err
		}
	}
	return nil
}

func (r *evaluator) evaluateIndex(q IndexCheck) error {
	for _, name := range q.Names {
		results := innerMap(r.result.Index, name)
		for _, p := range q.Privileges {
			has, err := r.inquiry.HasIndex(name, p, q.AllowRestricted)
			if err != nil {
				return err
			}
			r.record(results, p, has)
		}
	}
	return nil
}

func (r *evaluator) evaluateApplication(q ApplicationCheck) error {
	resources := innerMap(r.result.Application, q.Application)
	for _, resource := range q.Resources {
		results := innerMap(resources, resource)
		for _, p := range q.Privileges {
			has, err := r.inquiry.HasApplication(q.Application, p, resource)
			if err != nil {
				return err
			}
			r.record(results, p, has)
		}
	}
	return nil
}

// record notes the result of one privilege.
func (r *evaluator) record(results map[string]bool, privilege string, has bool) {
	before, checked := results[privilege]
	results[privilege] = has && (before || !checked)
	r.result.HasAll = r.result.HasAll && has
}

// innerMap returns the map at a key, and creates it if it is missing.
func innerMap[M ~map[string]V, V any](maps map[string]M, key string) M {
	if maps[key] == nil {
		maps[key] = M{}
	}
	return maps[key]
}
