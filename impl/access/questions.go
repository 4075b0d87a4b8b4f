package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/applicationprivilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/overload/work"
	"github.com/sallyport/sallyport/impl/privilege"
	"github.com/sallyport/sallyport/impl/store"
)

// Question is what a subject asks of its own privileges.
type Question struct {
	// Cluster has names of cluster privileges, or patterns of cluster actions.
	Cluster      []string
	Indices      []IndexQuestion
	Applications []ApplicationQuestion
}

// IndexQuestion asks for each privilege over all indices that match each of some patterns.
type IndexQuestion struct {
	Names, Privileges []string
	// AllowRestricted tells whether the names are to reach the indices that the system keeps for itself.
	AllowRestricted bool
}

// ApplicationQuestion asks for each privilege of an application over each resource.
type ApplicationQuestion struct {
	Application           string
	Privileges, Resources []string
}

// Answer says of everything that was asked whether the subject has it.
type Answer struct {
	UserName string
	HasAll   bool
	// Cluster is by privilege, Index by name and privilege, Application by application, resource and privilege. What is
	// asked twice is there if it is both times.
	Cluster     map[string]bool
	Index       map[string]map[string]bool
	Application map[string]map[string]map[string]bool
}

// maxAnswers and maxAnswerBytes bound the memory that a question takes: each privilege is named in the answer as often as it is
// asked for.
const (
	maxAnswers     = 100_000
	maxAnswerBytes = 16 << 20
)

// HasPrivileges answers a question. It returns fault.RequestInvalid for one about nothing, or about what cannot be an
// application or a privilege of one, and fault.IllegalArgument for one that is too large or takes too long, or has an
// unknown privilege or a pattern that cannot be read.
func (s *Service) HasPrivileges(ctx context.Context, subject Subject, q Question) (Answer, error) {
	if err := q.check(); err != nil {
		return Answer{}, err
	}
	effective, spent := subject.Privileges, privilege.NewBudget(ctx)
	if len(q.Applications) > 0 {
		var err error
		if effective, err = s.registered(ctx, effective, spent); err != nil {
			return Answer{}, err
		}
	}
	r := responder{effective.Inquire(spent), Answer{
		UserName: subject.User, HasAll: true,
		Cluster: map[string]bool{}, Index: map[string]map[string]bool{}, Application: map[string]map[string]map[string]bool{},
	}}
	if err := r.respond(q); err != nil {
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		return Answer{}, fault.New(fault.IllegalArgument, err.Error())
	}
	return r.answer, nil
}

// registered returns privileges with what applications registered for the names of theirs. That is not kept: it changes.
func (s *Service) registered(ctx context.Context, effective privilege.Effective, spent *work.Budget) (privilege.Effective, error) {
	err := s.store.View(ctx, func(tx *store.Tx) error {
		registry, err := applicationprivilege.Registry(tx)
		if err != nil {
			return err
		}
		effective, err = effective.Registered(registry, spent)
		switch {
		case errors.Is(err, privilege.ErrTooMuch):
			return fault.New(fault.IllegalArgument, err.Error())
		case err != nil:
			return fmt.Errorf("access: %w", err)
		}
		return nil
	})
	return effective, err
}

func (q Question) check() error {
	count, bytes := len(q.Cluster), 0 // the others are named as often as they were sent
	for _, i := range q.Indices {
		count += len(i.Names) * len(i.Privileges)
		bytes += len(i.Names) * length(i.Privileges)
	}
	for _, a := range q.Applications {
		count += len(a.Privileges) * len(a.Resources)
		bytes += len(a.Resources) * length(a.Privileges)
	}
	if bytes > maxAnswerBytes {
		return fault.New(fault.IllegalArgument, fmt.Sprintf("the check of privileges asks for an answer of more than [%d] bytes; ask for less at once", maxAnswerBytes))
	}
	if count > maxAnswers {
		return fault.New(fault.IllegalArgument, fmt.Sprintf("the check of privileges asks for %d answers; ask for at most %d at once", count, maxAnswers))
	}
	if len(q.Cluster)+len(q.Indices)+len(q.Applications) == 0 {
		return fault.Invalid([]string{"must specify at least one privilege"})
	}
	return fault.Invalid(q.badNames())
}

func length(texts []string) int {
	sum := 0
	for _, text := range texts {
		sum += len(text)
	}
	return sum
}

// maxMessages bounds what one answer lists.
const maxMessages = 100

// badNames tells what cannot be an application, or a privilege of one.
func (q Question) badNames() []string {
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

// responder makes an answer.
type responder struct {
	inquiry *privilege.Inquiry
	answer  Answer
}

func (r *responder) respond(q Question) error {
	for _, p := range q.Cluster {
		has, err := r.inquiry.HasCluster(p)
		if err != nil {
			return err
		}
		r.note(r.answer.Cluster, p, has)
	}
	for _, i := range q.Indices {
		if err := r.index(i); err != nil {
			return err
		}
	}
	for _, a := range q.Applications {
		if err := r.application(a); err != nil {
			return err
		}
	}
	return nil
}

func (r *responder) index(q IndexQuestion) error {
	for _, name := range q.Names {
		answers := entry(r.answer.Index, name)
		for _, p := range q.Privileges {
			has, err := r.inquiry.HasIndex(name, p, q.AllowRestricted)
			if err != nil {
				return err
			}
			r.note(answers, p, has)
		}
	}
	return nil
}

func (r *responder) application(q ApplicationQuestion) error {
	resources := entry(r.answer.Application, q.Application)
	for _, resource := range q.Resources {
		answers := entry(resources, resource)
		for _, p := range q.Privileges {
			has, err := r.inquiry.HasApplication(q.Application, p, resource)
			if err != nil {
				return err
			}
			r.note(answers, p, has)
		}
	}
	return nil
}

func (r *responder) note(answers map[string]bool, privilege string, has bool) {
	before, asked := answers[privilege]
	answers[privilege] = has && (before || !asked)
	r.answer.HasAll = r.answer.HasAll && has
}

// entry returns the map at a key, which it makes if there is none.
func entry[M ~map[string]V, V any](maps map[string]M, key string) M {
	if maps[key] == nil {
		maps[key] = M{}
	}
	return maps[key]
}
