// Package rolemapping manages Elasticsearch's role mappings: rules that give users of identity providers roles of
// Elasticsearch's when they sign in.
package rolemapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/store"
)

// Limits of what is stored. Each sign-in at an identity provider reads and evaluates all enabled mappings, in the
// transaction that begins the session.
const (
	maxMappings = 1_000
	// maxCost bounds what all mappings cost together; see Mapping.cost.
	maxCost = 50_000
	// maxName and maxMetadata are in bytes.
	maxName     = 507
	maxMetadata = 16 << 10
	// maxWork bounds what the evaluation of all mappings for one user compares, in units of package work.
	maxWork = 20_000_000
	// maxMessages bounds the errors of one response.
	maxMessages = 100
)

// Mapping gives roles to the users that match its rules.
type Mapping struct {
	Enabled bool
	// Roles are names of Elasticsearch's roles. Roles that are not defined grant nothing.
	Roles []string
	Rules Rule
	// Metadata is free JSON, of the values that strictjson.Decode returns.
	Metadata map[string]any
}

// Service adds, lists and removes role mappings. It does not authorize callers.
type Service struct{ store *store.Store }

// NewService returns a service on a store.
func NewService(st *store.Store) *Service { return &Service{st} }

// Check validates a mapping before Put. It returns fault.RequestInvalid with all errors, at most 100. ECE's roles are
// refused, because Elasticsearch's privileges must never lead to them.
func Check(name string, m Mapping) error {
	messages := checkName(name)
	if len(m.Roles) == 0 {
		messages = append(messages, "role-mapping roles are missing")
	}
	if metadata.HasReservedKey(m.Metadata) {
		messages = append(messages, "metadata keys may not start with [_]")
	}
	for _, role := range m.Roles {
		if len(messages) == maxMessages {
			break
		}
		switch {
		case !identity.RoleNameFits(role):
			messages = append(messages, "the role ["+role+"] must have 1 to 507 characters of printable ASCII, "+
				"without a space at either end")
		case identity.HoldsPlatformRole([]identity.Role{identity.Role(role)}):
			messages = append(messages, "the role ["+role+"] is a platform role, which no role mapping gives")
		}
	}
	return fault.Invalid(messages)
}

func checkName(name string) []string {
	switch {
	case name == "" || len(name) > maxName || !utf8.ValidString(name),
		strings.TrimSpace(name) != name, strings.ContainsFunc(name, unicode.IsControl):
		return []string{fmt.Sprintf("the name of a role mapping must have 1 to %d bytes of UTF-8, without control "+
			"characters and without a space at either end", maxName)}
	}
	return nil
}

// cost estimates the work that a mapping is at a sign-in.
func (m Mapping) cost() int {
	sum := 1 + m.Rules.cost()
	for _, role := range m.Roles {
		sum += 1 + len(role)/charactersOfUnit
	}
	return sum
}

// Put adds or replaces a mapping, and reports whether it was added. It returns the errors of Check, and
// fault.InvalidData for metadata that is too long and if there are too many mappings or they cost too much together.
func (s *Service) Put(ctx context.Context, name string, m Mapping) (created bool, err error) {
	if err := Check(name, m); err != nil {
		return false, err
	}
	record, err := m.record(name)
	if err != nil {
		return false, err
	}

	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		if err := checkTotal(tx, record); err != nil {
			return false, err
		}
		created, err := tx.RoleMappings.Put(record)
		if err != nil {
			return false, err
		}
		return created, audit.Record(ctx, tx, audit.RoleMappingPut, name,
			audit.Details{"created": created, "enabled": m.Enabled, "roles": m.Roles})
	})
}

func (m Mapping) record(name string) (store.RoleMapping, error) {
	rules, err := json.Marshal(m.Rules.JSON())
	if err != nil {
		return store.RoleMapping{}, fault.Wrap(fault.ServerFailed, err, "the rules cannot be written")
	}
	kept := m.Metadata
	if kept == nil {
		kept = map[string]any{}
	}
	text, err := metadata.Text(kept)
	if err == nil && len(text) > maxMetadata {
		err = fault.New(fault.InvalidData, fmt.Sprintf("the metadata has %d bytes, and at most %d are accepted",
			len(text), maxMetadata), "metadata")
	}
	return store.RoleMapping{
		Name:     name,
		Enabled:  m.Enabled,
		Roles:    m.Roles,
		Rules:    string(rules),
		Metadata: text,
		Cost:     m.cost(),
	}, err
}

func checkTotal(tx *store.Tx, m store.RoleMapping) error {
	others, cost, err := tx.RoleMappings.Others(m.Name)
	switch {
	case err != nil:
		return err
	case others >= maxMappings:
		return fault.New(fault.InvalidData, fmt.Sprintf("there are %d role mappings, and no more are accepted", others))
	case cost+m.Cost > maxCost:
		return fault.New(fault.InvalidData, fmt.Sprintf("the role mappings would count [%d] together, and at most [%d] "+
			"are accepted; each rule, value and role counts 1, and a pattern about as much as it is long", cost+m.Cost,
			maxCost))
	}
	return nil
}

// Delete removes a mapping, and reports whether it existed.
func (s *Service) Delete(ctx context.Context, name string) (found bool, err error) {
	if checkName(name) != nil { // not every database takes it
		return false, nil
	}
	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		found, err := tx.RoleMappings.Delete(name)
		if err != nil || !found {
			return false, err
		}
		return true, audit.Record(ctx, tx, audit.RoleMappingDeleted, name, nil)
	})
}

// Get returns the mappings with the given names that exist, or all if no name is given.
func (s *Service) Get(ctx context.Context, names []string) (map[string]Mapping, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (map[string]Mapping, error) {
		records, err := tx.RoleMappings.All()
		if err != nil {
			return nil, err
		}

		found := map[string]Mapping{}
		for _, r := range records {
			if len(names) > 0 && !slices.Contains(names, r.Name) {
				continue
			}
			if found[r.Name], err = decode(r); err != nil {
				return nil, err
			}
		}
		return found, nil
	})
}

// ErrTooMuchWork is the error of Roles for a user with fields that cost too much to compare.
var ErrTooMuchWork = errors.New("the user has too many groups or attributes to compare with the role mappings")

// Roles returns the roles that the enabled mappings give a user, sorted and once each. There is none of ECE's among
// them. It returns ErrTooMuchWork if the user has too many values.
func Roles(ctx context.Context, tx *store.Tx, u User) ([]identity.Role, error) {
	records, err := tx.RoleMappings.Enabled()
	if err != nil || len(records) == 0 {
		return nil, err
	}

	var names []identity.Role
	m := newModel(u, work.New(ctx, maxWork, ErrTooMuchWork))
	for _, r := range records {
		mapping, err := decode(r)
		if err != nil {
			return nil, err
		}
		holds, err := mapping.Rules.matches(m)
		if err != nil {
			return nil, err
		}
		if holds {
			names = append(names, roles(mapping.Roles)...)
		}
	}

	// No stored mapping has one of ECE's roles. If a later version adds a role to them, the mapping must not give it.
	_, names = identity.SplitRoles(names)
	slices.Sort(names)
	return slices.Compact(names), nil
}

func roles(names []string) []identity.Role {
	list := make([]identity.Role, len(names))
	for i, name := range names {
		list[i] = identity.Role(name)
	}
	return list
}

// decode reads a stored mapping. Its metadata may be left out.
func decode(r store.RoleMapping) (Mapping, error) {
	m := Mapping{Enabled: r.Enabled, Roles: r.Roles}
	rules, err := strictjson.DecodeStored([]byte(r.Rules))
	if err == nil {
		m.Rules, err = ParseRule(rules)
	}
	if err == nil && r.Metadata != "" {
		var value any
		value, err = strictjson.DecodeStored([]byte(r.Metadata))
		m.Metadata, _ = value.(map[string]any)
	}
	if err != nil {
		return Mapping{}, fault.Wrap(fault.ServerFailed, err, "the stored role mapping "+r.Name+" cannot be decoded")
	}
	return m, nil
}
