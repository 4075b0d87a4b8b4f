package rolemapping

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/platform/dn"
)

// User is what rules look at.
type User struct {
	Name string
	// DN is the distinguished name; empty if there is none.
	DN     string
	Groups []string
	// Metadata maps names to values. Rules have "metadata." before the name.
	Metadata map[string][]string
	Realm    string
}

// The fields of rules. All others begin with metadataPrefix, or have no value.
const (
	fieldUsername  = "username"
	fieldDN        = "dn"
	fieldGroups    = "groups"
	fieldRealmName = "realm.name"
	metadataPrefix = "metadata."
)

// model is a user with its fields in the forms that rules compare.
type model struct {
	texts  map[string][]string
	names  map[string][]name
	budget *work.Budget
}

func newModel(u User, budget *work.Budget) *model {
	m := &model{
		texts:  map[string][]string{fieldUsername: {u.Name}, fieldRealmName: {u.Realm}},
		names:  map[string][]name{fieldGroups: newNames(u.Groups)},
		budget: budget,
	}
	if u.DN != "" {
		m.names[fieldDN] = newNames([]string{u.DN})
	}
	for key, values := range u.Metadata {
		m.texts[metadataPrefix+key] = values
	}
	return m
}

// name is a text that may be a distinguished name. Its case does not matter (Elasticsearch's rule for dn and groups).
type name struct {
	// folded is the text in lower case; parsed is nil if the text is not a distinguished name.
	folded string
	parsed dn.Name
	// forms are the texts that patterns are compared with.
	forms []string
}

func newNames(texts []string) []name {
	names := make([]name, 0, len(texts))
	for _, text := range texts {
		names = append(names, newName(text))
	}
	return names
}

func newName(text string) name {
	n := name{folded: strings.ToLower(text), forms: []string{text, strings.ToLower(text), strings.ToUpper(text)}}
	if parsed, ok := dn.Parse(text); ok {
		n.parsed = parsed.Fold()
		n.forms = append(n.forms, n.parsed.String())
	}
	slices.Sort(n.forms)
	n.forms = slices.Compact(n.forms)
	return n
}

// matches reports whether the rule holds for a user. It returns the error of the model's budget.
func (r Rule) matches(m *model) (bool, error) {
	switch r.kind {
	case kindField:
		return r.matchesField(m)
	case kindExcept:
		holds, err := r.rules[0].matches(m)
		return !holds, err
	}

	all := r.kind == kindAll
	for _, part := range r.rules {
		if holds, err := part.matches(m); err != nil || holds != all {
			return holds, err
		}
	}
	return all, nil
}

func (r Rule) matchesField(m *model) (bool, error) {
	names, isName := m.names[r.field]
	texts, isText := m.texts[r.field]
	for _, v := range r.values {
		var holds bool
		var err error
		switch {
		case isName:
			holds, err = v.matchesNames(m, names)
		case isText:
			holds, err = v.matchesTexts(m, texts)
		default: // null is the value of a field that the user does not have
			holds = v.json == nil
		}
		if err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

func (v value) matchesTexts(m *model, texts []string) (bool, error) {
	for _, text := range texts {
		if err := m.budget.Spend(1 + len(text)); err != nil {
			return false, err
		}
		if v.pattern == nil && v.json == text || v.pattern != nil && v.pattern.Matches(text) {
			return true, nil
		}
	}
	return false, nil
}

func (v value) matchesNames(m *model, names []name) (bool, error) {
	text, isText := v.json.(string)
	if !isText {
		return false, nil
	}

	wanted := newName(text)
	suffix, open := strings.CutPrefix(text, "*,")
	above, isName := dn.Parse(strings.ToLower(suffix))
	subtree := open && isName && !strings.Contains(suffix, "*")
	for _, n := range names {
		if err := m.budget.Spend((1 + len(n.folded)) * len(n.forms)); err != nil {
			return false, err
		}

		var holds bool
		switch {
		case v.pattern == nil:
			holds = n.equals(wanted)
		case subtree && n.parsed != nil: // an escaped comma must not look like one that separates
			holds = n.parsed.Below(above)
		default:
			holds = slices.ContainsFunc(n.forms, v.pattern.Matches)
		}
		if holds {
			return true, nil
		}
	}
	return false, nil
}

func (n name) equals(other name) bool {
	return n.folded == other.folded || n.parsed != nil && slices.Equal(n.parsed, other.parsed)
}
