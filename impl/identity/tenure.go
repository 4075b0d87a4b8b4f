package identity

import (
	"maps"
	"slices"
)

// included are the roles of ECE's whose permissions are a part of another's.
var included = map[Role][]Role{
	PlatformAdmin:     {PlatformViewer, DeploymentManager, DeploymentViewer},
	PlatformViewer:    {DeploymentViewer},
	DeploymentManager: {DeploymentViewer},
}

// IncludedRoles returns those of the roles that are ECE's, with all that these include, sorted and once each.
func IncludedRoles(roles []Role) []Role {
	platform, _ := SplitRoles(roles)
	all := slices.Clone(platform)
	for _, role := range platform {
		all = append(all, included[role]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// StrongestRoles returns the roles without those that others of them include, sorted.
func StrongestRoles(roles []Role) []Role {
	kept := slices.DeleteFunc(slices.Clone(roles), func(role Role) bool {
		return slices.ContainsFunc(roles, func(other Role) bool { return slices.Contains(included[other], role) })
	})
	slices.Sort(kept)
	return kept
}

// CommonRoles returns the strongest of ECE's roles that both lists include.
func CommonRoles(a, b []Role) []Role {
	inB := IncludedRoles(b)
	return StrongestRoles(slices.DeleteFunc(IncludedRoles(a), func(role Role) bool { return !slices.Contains(inB, role) }))
}

// Tenure is since when a user holds ECE's roles, counted in the user's promotions. A promotion is a change by which a user
// gains one of ECE's roles that no role of before included.
type Tenure struct {
	Promotions int64 `json:"promotions"`
	// Since is the promotion that gave each role, as far as the user has held it without interruption, roles included in
	// others too. It is nil for a user whose roles have not changed, who holds them since promotion 0.
	Since map[Role]int64 `json:"since,omitempty"`
}

// After returns the tenure once a user's roles have changed, and the roles that the user gains.
func (t Tenure) After(before, after []Role) (next Tenure, gained []Role) {
	held := IncludedRoles(before)
	next = Tenure{Promotions: t.Promotions, Since: map[Role]int64{}}
	for _, role := range IncludedRoles(after) {
		if slices.Contains(held, role) {
			next.Since[role] = t.since(role)
		} else {
			gained = append(gained, role)
		}
	}
	if len(gained) > 0 {
		next.Promotions++
	}
	for _, role := range gained {
		next.Since[role] = next.Promotions
	}
	if t.Since == nil && maps.Equal(next.Since, sinceStart(after)) {
		next.Since = nil
	}
	return next, gained
}

func sinceStart(roles []Role) map[Role]int64 {
	since := map[Role]int64{}
	for _, role := range IncludedRoles(roles) {
		since[role] = 0
	}
	return since
}

// since is later than any mark for a role that was given by a program that keeps no tenure.
func (t Tenure) since(role Role) int64 {
	if t.Since == nil {
		return 0
	}
	if promotion, found := t.Since[role]; found {
		return promotion
	}
	return t.Promotions + 1
}

// HeldSince returns which of ECE's roles a user, who has some roles now, has held without interruption since a promotion.
func (t Tenure) HeldSince(promotion int64, roles []Role) []Role {
	return StrongestRoles(slices.DeleteFunc(IncludedRoles(roles), func(role Role) bool { return t.since(role) > promotion }))
}

// InPerson reports whether the caller authenticated as the user itself: with the password, or by a session that a sign-in
// began, not with an API key and not acting as the user.
func (p Principal) InPerson() bool { return p.Method == Basic || p.Method == Session }
