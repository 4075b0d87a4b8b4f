package elastic

import (
	"cmp"
	"fmt"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
)

// privilegeCheck asks which privileges a user has.
type privilegeCheck struct {
	user  string
	check access.PrivilegeCheck
}

// ownPrivileges refuses a check of another user's privileges.
func ownPrivileges(caller call, in privilegeCheck) error {
	if in.user == caller.User {
		return nil
	}
	return fault.New(fault.InvalidData, fmt.Sprintf(
		"users may only check the privileges of their own account, which is [%s] and not [%s]; "+
			"to check another's, act as that user with %s", caller.User, in.user, runAsHeader))
}

func showPrivilegeCheck(answer access.CheckResult) (response, error) {
	return ok(gen.HasPrivilegesResponse{
		Username:        answer.UserName,
		HasAllRequested: answer.HasAll,
		Cluster:         answer.Cluster,
		Index:           checks(answer.Index),
		Application:     applicationChecks(answer.Application),
	})
}

func checks(by map[string]map[string]bool) gen.ResourcePrivilegeChecks {
	shown := make(gen.ResourcePrivilegeChecks, len(by))
	for name, privileges := range by {
		shown[name] = privileges
	}
	return shown
}

func applicationChecks(by map[string]map[string]map[string]bool) gen.ApplicationPrivilegeChecks {
	shown := make(gen.ApplicationPrivilegeChecks, len(by))
	for name, resources := range by {
		shown[name] = checks(resources)
	}
	return shown
}

func readPrivilegeCheck(r request) (privilegeCheck, error) {
	name := cmp.Or(r.params["username"], r.caller)
	check, err := readCheck(name, r.body)
	return privilegeCheck{name, check}, err
}

func readCheck(name string, body any) (access.PrivilegeCheck, error) {
	asked, err := roledescriptor.ParseCheck(name, body)
	if err != nil {
		return access.PrivilegeCheck{}, err
	}
	q := access.PrivilegeCheck{
		Cluster:      asked.Cluster,
		Indices:      convert.Each(asked.Indices, indexCheck),
		Applications: convert.Each(asked.Applications, applicationCheck),
	}
	if len(q.Cluster)+len(q.Indices)+len(q.Applications) == 0 {
		err = refuseNoQuestion(name, body)
	}
	return q, err
}

func indexCheck(p roledescriptor.IndexPrivileges) access.IndexCheck {
	return access.IndexCheck{Names: p.Names, Privileges: p.Privileges, AllowRestricted: p.AllowRestrictedIndices}
}

func applicationCheck(p roledescriptor.ApplicationPrivileges) access.ApplicationCheck {
	return access.ApplicationCheck(p)
}

// refuseNoQuestion returns the refusal of a check of no privilege. Elasticsearch distinguishes members that are missing
// from empty ones.
func refuseNoQuestion(name string, body any) error {
	members, _ := body.(map[string]any)
	for _, value := range members {
		if value != nil {
			return fault.Invalid([]string{"must specify at least one privilege"})
		}
	}
	return fault.New(
		fault.ParseFailed,
		"failed to parse privileges check ["+name+"]. All privilege fields [cluster,index,applications] are missing",
	)
}

func showUserPrivileges(p access.UserPrivileges) (response, error) {
	shown := gen.UserPrivilegesResponse{
		Cluster:       texts(p.Cluster),
		Applications:  convert.Each(p.Applications, showApplication),
		RunAs:         texts(p.RunAs),
		Indices:       convert.Each(p.Indices, showUserIndices),
		RemoteIndices: convert.Optional(p.RemoteIndices, showUserRemoteIndices),
		RemoteCluster: convert.Optional(p.RemoteCluster, showRemoteCluster),
	}

	var err error
	if shown.Global, err = showConditions(p.Global); err != nil {
		return response{}, err
	}

	return ok(shown)
}

func showUserIndices(i access.IndexPrivileges) gen.UserIndicesPrivileges {
	return gen.UserIndicesPrivileges{
		Names:                  texts(i.Names),
		Privileges:             texts(i.Privileges),
		FieldSecurity:          showAllFields(i.FieldSecurity),
		Query:                  anyTexts(i.Queries),
		AllowRestrictedIndices: i.AllowRestrictedIndices,
	}
}

func showUserRemoteIndices(i access.IndexPrivileges) gen.UserRemoteIndicesPrivileges {
	return gen.UserRemoteIndicesPrivileges{
		Names:                  texts(i.Names),
		Privileges:             texts(i.Privileges),
		FieldSecurity:          showAllFields(i.FieldSecurity),
		Query:                  anyTexts(i.Queries),
		AllowRestrictedIndices: i.AllowRestrictedIndices,
		Clusters:               texts(i.Clusters),
	}
}

func showConditions(conditions []map[string]any) ([]gen.GlobalPrivileges, error) {
	shown := []gen.GlobalPrivileges{}
	for _, condition := range conditions {
		one, err := showGlobal(condition)
		if err != nil {
			return nil, err
		}
		shown = append(shown, *one)
	}
	return shown, nil
}

// showAllFields returns nil for an empty list, so that the member is left out of the JSON.
func showAllFields(list []roledescriptor.FieldSecurity) *[]gen.FieldSecurity {
	return convert.Optional(list, func(f roledescriptor.FieldSecurity) gen.FieldSecurity { return *showFields(&f) })
}
