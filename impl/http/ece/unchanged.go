package ece

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// The members of a user that no patch sets, and those that a patch of the caller's own user does not set.
var (
	kept            = []string{"builtin", "metadata"}
	keptSecurity    = []string{"permissions", "elevated_permissions", "security_realm"}
	ownKeptSecurity = slices.Concat(keptSecurity, []string{"roles", "enabled"})
)

// patchUser applies a patch, of which members that cannot be set may repeat what a read shows: clients read a user,
// change a member and send all.
func (a *API) patchUser(
	ctx context.Context, p identity.Principal, name string, body json.RawMessage,
) (user.User, error) {
	patch, err := a.readPatch(body, "UserPatch")
	if err != nil {
		return user.User{}, err
	}

	members, _ := patch.(map[string]any)
	security, _ := members["security"].(map[string]any)
	notOurs := keptSecurity
	if p.User == name {
		notOurs = ownKeptSecurity
	}
	if hasAny(members, kept) || hasAny(security, notOurs) {
		shown, err := a.shown(ctx, name)
		if err != nil {
			return user.User{}, err
		}
		removeUnchanged(members, shown, kept)
		shownSecurity, _ := shown["security"].(map[string]any)
		removeUnchanged(security, shownSecurity, notOurs)
	}

	return a.Users.Patch(ctx, p, name, patch, a.proof(p))
}

// shown returns the JSON object with which a read of the user would be answered.
func (a *API) shown(ctx context.Context, name string) (map[string]any, error) {
	u, err := a.Users.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(a.userResponse(ctx, u).Body)
	if err != nil {
		return nil, err
	}
	value, err := strictjson.Decode(text)
	members, _ := value.(map[string]any)
	return members, err
}

func hasAny(members map[string]any, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, has := members[name]; return has })
}

// removeUnchanged removes members from a patch that have the value that is shown. A member that is removed changes
// nothing, so it does not matter if the user has changed since.
func removeUnchanged(patch, shown map[string]any, names []string) {
	maps.DeleteFunc(patch, func(name string, value any) bool {
		return slices.Contains(names, name) && equal(value, shown[name])
	})
}

// equal reports whether a sent value is the shown one. The order of a list, which is one of names, does not matter.
func equal(sent, shown any) bool {
	switch sent := sent.(type) {
	case map[string]any:
		shown, ok := shown.(map[string]any)
		return ok && equalMembers(sent, shown)
	case []any:
		shown, ok := shown.([]any)
		return ok && slices.Equal(sortedTexts(sent), sortedTexts(shown))
	case string:
		return sent == shown || equalTime(sent, shown)
	default:
		return sent == shown
	}
}

func equalMembers(sent, shown map[string]any) bool {
	all := maps.Clone(shown)
	maps.Copy(all, sent)
	for name := range all {
		if !equal(sent[name], shown[name]) {
			return false
		}
	}
	return true
}

func sortedTexts(list []any) []string {
	texts := make([]string, 0, len(list))
	for _, each := range list {
		text, _ := each.(string)
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// equalTime compares times as cloud-sdk-go sends them: in milliseconds, and as the year 1 if there is none.
func equalTime(sent string, shown any) bool {
	at, err := time.Parse(time.RFC3339, sent)
	if err != nil {
		return false
	}
	if shown == nil {
		return at.IsZero()
	}
	text, _ := shown.(string)
	other, err := time.Parse(time.RFC3339, text)
	return err == nil && at.Truncate(time.Millisecond).Equal(other.Truncate(time.Millisecond))
}
