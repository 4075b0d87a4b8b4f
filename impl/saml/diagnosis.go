package saml

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/saml/protocol"
)

// Bounds of a reason, which is kept and logged.
const (
	maxShownText  = 100  // characters of a name or a value
	maxShownList  = 20   // names or values of one kind
	maxReason     = 4096 // bytes
	withoutValues = "nothing"
)

// noRole describes why a user gets no role: the user's name, the names of the attributes, and what the rules look for.
// It has values only of the attributes that rules look at, which are groups and the distinguished name, because others
// may hold personal data. All of it was signed by the identity provider.
func (r Realm) noRole(s Subject, p Profile) string {
	text := fmt.Sprintf("no rule gives the user %s a role; attributes that came: %s", shown(p.Name),
		shownAll(slices.Sorted(maps.Keys(s.Attributes))))
	looked := map[RuleType][]string{}
	for _, rule := range r.RoleMappings.Rules {
		looked[rule.Type] = append(looked[rule.Type], rule.Value)
	}
	if wanted := looked[ByUsername]; wanted != nil {
		text += "; user names looked for: " + shownAll(wanted)
	}
	if wanted := looked[ByGroups]; wanted != nil {
		text += fmt.Sprintf("; groups in the attribute %s: %s, looked for: %s", shown(r.Attributes.Groups),
			shownAll(p.Groups), shownAll(wanted))
	}
	if wanted := looked[ByDN]; wanted != nil {
		text += fmt.Sprintf("; name in the attribute %s: %s, looked for: %s", shown(r.Attributes.DN), shown(p.DN),
			shownAll(wanted))
	}
	return clip(text)
}

// shown quotes a text of others, so that it stays on its line, and bounds it.
func shown(text string) string {
	if text == "" {
		return withoutValues
	}
	if utf8.RuneCountInString(text) > maxShownText {
		text = string([]rune(text)[:maxShownText]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

func shownAll(texts []string) string {
	if len(texts) == 0 {
		return withoutValues
	}
	var parts []string
	for _, text := range texts[:min(len(texts), maxShownList)] {
		parts = append(parts, shown(text))
	}
	list := strings.Join(parts, ", ")
	if more := len(texts) - maxShownList; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

func clip(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason], "") + "…"
}

// refusals collects why each of several realms does not accept a message.
type refusals []refusedBy

type refusedBy struct {
	realm Realm
	// tried is the metadata that the message was verified with.
	tried protocol.Provider
	err   error
}

// unknownKey returns the refusals because of an unknown signing key, which the identity provider may have rotated to.
func (r refusals) unknownKey() refusals {
	return slices.DeleteFunc(slices.Clone(r), func(each refusedBy) bool { return !unknownKey(each.err) })
}

// settle returns one error for all, and the realm that was meant if that is known: the realm for which the signature
// held. Something that is not a refusal comes first: that realm may be the right one. A reason that all share is not
// repeated.
func (r refusals) settle() (Realm, error) {
	var reasons, parts []string
	for _, each := range r {
		reason, refused := refusal(each.err)
		if !refused {
			return Realm{}, each.err
		}
		if authentic(each.err) {
			return each.realm, each.err
		}
		reasons, parts = append(reasons, reason), append(parts, "realm "+each.realm.ID+": "+reason)
	}
	if len(slices.Compact(reasons)) == 1 {
		return Realm{}, refuse(reasons[0])
	}
	return Realm{}, refuse(clip(strings.Join(parts, "; ")))
}

// unknownKey reports whether a message was refused because its signing key is not known.
func unknownKey(err error) bool {
	var r *protocol.Refusal
	return errors.As(err, &r) && r.UnknownKey()
}

// authentic reports whether a logout was refused for what it says, after its signature held.
func authentic(err error) bool {
	var r *protocol.Refusal
	return errors.As(err, &r) && r.Authentic()
}
