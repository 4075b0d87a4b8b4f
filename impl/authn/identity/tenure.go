package identity

import (
	"maps"
	"slices"
)

// includedRoles maps an ECE role to the roles that it includes, that is, the roles with a subset of its permissions.
var includedRoles = map[Role][]Role{
	PlatformAdmin:     {PlatformViewer, DeploymentManager, DeploymentViewer},
	PlatformViewer:    {DeploymentViewer},
	DeploymentManager: {DeploymentViewer},
}

// IncludedRoles returns the ECE roles among the roles and all roles that they include, sorted and without duplicates.
func IncludedRoles(roles []Role) []Role {
	platform, _ := SplitRoles(roles)
	all := slices.Clone(platform)
	for _, role := range platform {
		all = append(all, includedRoles[role]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// StrongestRoles returns the roles that no other of the roles includes, sorted.
func StrongestRoles(roles []Role) []Role {
	kept := slices.DeleteFunc(slices.Clone(roles), func(role Role) bool {
		return slices.ContainsFunc(roles, func(other Role) bool { return slices.Contains(includedRoles[other], role) })
	})
	slices.Sort(kept)
	return kept
}

// CommonRoles returns the strongest ECE roles that both lists include.
func CommonRoles(a, b []Role) []Role {
	inB := IncludedRoles(b)
	return StrongestRoles(slices.DeleteFunc(IncludedRoles(a), func(role Role) bool { return !slices.Contains(inB, role) }))
}

// Tenure records since which promotion a user holds each ECE role. A promotion is a change by which a user gains an ECE
// role that none of its previous roles included.
type Tenure struct {
	Promotions int64 `json:"promotions"`
	// Since maps each role that the user holds, included roles too, to the promotion since which it has held the role
	// without interruption. It is nil for a user with unchanged roles, held since promotion 0.
	Since map[Role]int64 `json:"since,omitempty"`
}

// After returns the tenure after a change of the user's roles, and the ECE roles that the user gains by it.
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

	if t.Since == nil && maps.Equal(next.Since, sinceZero(after)) {
		next.Since = nil
	}
	return next, gained
}

// sinceZero returns the Since of roles that are all held since promotion 0.
func sinceZero(roles []Role) map[Role]int64 {
	since := map[Role]int64{}
	for _, role := range IncludedRoles(roles) {
		since[role] = 0
	}
	return since
}

// since returns the promotion since which the user holds a role. For a role granted by an older version, which records
// no tenure, it returns a promotion after all others.
func (t Tenure) since(role Role) int64 {
	if t.Since == nil {
		return 0
	}
	if promotion, found := t.Since[role]; found {
		return promotion
	}
	return t.Promotions + 1
}

// HeldSince returns the strongest of the user's current ECE roles that it has held without interruption since a
// promotion.
func (t Tenure) HeldSince(promotion int64, roles []Role) []Role {
	return StrongestRoles(slices.DeleteFunc(IncludedRoles(roles),
		func(role Role) bool { return t.since(role) > promotion }))
}

// InPerson reports whether the caller authenticated as the user itself, by its password or a session that it began, and
// not with an API key or by acting as another user.
func (p Principal) InPerson() bool { return p.Method == Basic || p.Method == Session && !p.OnBehalf }
