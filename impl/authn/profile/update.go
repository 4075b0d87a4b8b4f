package profile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/store"
)

// Update is a change of a profile's labels and data. Its objects have the values that strictjson.Decode returns.
type Update struct {
	// Labels and Data are merged into those of the profile, objects member by member. Their top members name
	// applications.
	Labels, Data map[string]any
	// IfSeqNo and IfPrimaryTerm are the version that the profile must have; nil for any.
	IfSeqNo, IfPrimaryTerm *int64
}

const (
	// maxApplications bounds the applications in the labels and in the data of a profile.
	maxApplications = 100
	// maxApplicationName is in bytes.
	maxApplicationName = 256
	// maxRecorded bounds the names in an audit event.
	maxRecorded = 5
)

// Applications returns the sorted names of the applications that the update is about.
func (u Update) Applications() []string {
	names := maps.Clone(u.Labels)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, u.Data)
	return slices.Sorted(maps.Keys(names))
}

// Check validates an update. It returns fault.RequestInvalid with Elasticsearch's texts.
func (u Update) Check() error {
	var problems []string
	names := u.Applications()
	if len(names) == 0 {
		problems = append(problems, "update request is empty")
	}
	if len(names) > maxApplications {
		problems = append(problems, fmt.Sprintf("update request has [%d] applications, and at most [%d] are accepted",
			len(names), maxApplications))
		names = names[:maxApplications]
	}
	for _, rule := range []struct {
		text   string
		broken func(name string) bool
	}{
		{"application name must not contain dot, but found [%s]",
			func(name string) bool { return strings.Contains(name, ".") }},
		{"application name must not start with underscore, but found [%s]",
			func(name string) bool { return strings.HasPrefix(name, "_") }},
		{fmt.Sprintf("application name must have 1 to %d bytes, but found [%%s]", maxApplicationName),
			func(name string) bool { return name == "" || len(name) > maxApplicationName }},
	} {
		kept := func(name string) bool { return !rule.broken(name) }
		if broken := slices.DeleteFunc(slices.Clone(names), kept); len(broken) > 0 {
			problems = append(problems, fmt.Sprintf(rule.text, strings.Join(broken, ",")))
		}
	}

	switch {
	case u.IfSeqNo != nil && u.IfPrimaryTerm == nil:
		problems = append(problems, "ifSeqNo is set, but primary term is [0]")
	case u.IfSeqNo == nil && u.IfPrimaryTerm != nil:
		problems = append(problems, fmt.Sprintf("ifSeqNo is unassigned, but primary term is [%d]", *u.IfPrimaryTerm))
	}
	return fault.Invalid(problems)
}

// Update changes a profile's labels and data; an update that changes nothing leaves the version as it is. It returns
// the error of Check, fault.ProfileMissing, fault.ProfileConflict for another version than the expected one, and
// fault.InvalidData if the profile would become too large.
func (s *Service) Update(ctx context.Context, uid string, u Update) error {
	if err := u.Check(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := find(tx, uid)
		if err != nil {
			return err
		}
		if err := u.requireVersion(p); err != nil {
			return err
		}

		before := [2]string{p.Labels, p.Data}
		if p.Labels, err = merged(p.Labels, u.Labels, "labels"); err != nil {
			return err
		}
		if p.Data, err = merged(p.Data, u.Data, "data"); err != nil {
			return err
		}
		if before == [2]string{p.Labels, p.Data} {
			return nil
		}
		if bytes := len(p.Labels) + len(p.Data); bytes > maxStored {
			return fault.New(fault.InvalidData, fmt.Sprintf("the labels and data of the profile would have %d bytes, and "+
				"at most %d are accepted", bytes, maxStored), "labels", "data")
		}

		if err := tx.Profiles.Update(p); err != nil {
			return err
		}
		// What applications keep may be private, so the audit trail has only their names. It is kept for long, and a
		// profile may be changed often, so it has the first names only.
		names := u.Applications()
		details := audit.Details{"uid": uid, "applications": names[:min(len(names), maxRecorded)], "count": len(names)}
		return audit.Record(ctx, tx, audit.ProfileUpdated, p.User.Name, details)
	})
}

func (u Update) requireVersion(p store.Profile) error {
	if u.IfSeqNo == nil || *u.IfSeqNo == p.Version && *u.IfPrimaryTerm == PrimaryTerm {
		return nil
	}
	return fault.New(fault.ProfileConflict, fmt.Sprintf("[profile_%s]: version conflict, required seqNo [%d], primary "+
		"term [%d]. current document has seqNo [%d] and primary term [%d]", p.UID, *u.IfSeqNo, *u.IfPrimaryTerm,
		p.Version, PrimaryTerm), "if_seq_no", "if_primary_term")
}

// merged returns the text of a stored object with the members of another one merged into it.
func merged(stored string, more map[string]any, field string) (string, error) {
	if len(more) == 0 {
		return stored, nil
	}
	decoded, err := strictjson.DecodeStored([]byte(stored))
	object, isObject := decoded.(map[string]any)
	if err != nil || !isObject {
		return "", fault.Wrap(fault.ServerFailed, err, "the "+field+" of a user profile cannot be decoded")
	}

	merge(object, more)
	if len(object) > maxApplications {
		return "", fault.New(fault.InvalidData, fmt.Sprintf("the %s of the profile would have %d applications, and at "+
			"most %d are accepted", field, len(object), maxApplications), field)
	}
	text, err := json.Marshal(object)
	if err != nil {
		return "", fault.Wrap(fault.ServerFailed, err, "the "+field+" of a user profile cannot be written")
	}
	return string(text), nil
}

// merge adds members to an object. If both have an object of the same name, its members are merged; everything else
// is replaced (Elasticsearch's rule for partial updates of documents).
func merge(object, more map[string]any) {
	for name, value := range more {
		inner, isObject := value.(map[string]any)
		existing, wasObject := object[name].(map[string]any)
		if isObject && wasObject {
			merge(existing, inner)
			continue
		}
		object[name] = value
	}
}
