package httpapi

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// SecurityHasPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityHasPrivileges(ctx context.Context, _ server.SecurityHasPrivilegesRequestObject) (server.SecurityHasPrivilegesResponseObject, error) {
	answer, err := h.hasPrivileges(ctx, subjectOf(ctx).User)
	return server.SecurityHasPrivileges200JSONResponse{PrivilegesCheckedJSONResponse: answer}, err
}

// SecurityHasPrivilegesGet implements server.StrictServerInterface.
func (h *handlers) SecurityHasPrivilegesGet(ctx context.Context, _ server.SecurityHasPrivilegesGetRequestObject) (server.SecurityHasPrivilegesGetResponseObject, error) {
	answer, err := h.hasPrivileges(ctx, subjectOf(ctx).User)
	return server.SecurityHasPrivilegesGet200JSONResponse{PrivilegesCheckedJSONResponse: answer}, err
}

// SecurityHasUserPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityHasUserPrivileges(ctx context.Context, r server.SecurityHasUserPrivilegesRequestObject) (server.SecurityHasUserPrivilegesResponseObject, error) {
	answer, err := h.hasPrivileges(ctx, r.Username)
	return server.SecurityHasUserPrivileges200JSONResponse{PrivilegesCheckedJSONResponse: answer}, err
}

// SecurityHasUserPrivilegesGet implements server.StrictServerInterface.
func (h *handlers) SecurityHasUserPrivilegesGet(ctx context.Context, r server.SecurityHasUserPrivilegesGetRequestObject) (server.SecurityHasUserPrivilegesGetResponseObject, error) {
	answer, err := h.hasPrivileges(ctx, r.Username)
	return server.SecurityHasUserPrivilegesGet200JSONResponse{PrivilegesCheckedJSONResponse: answer}, err
}

// hasPrivileges answers everybody about oneself, and nobody about others.
func (h *handlers) hasPrivileges(ctx context.Context, name string) (server.PrivilegesCheckedJSONResponse, error) {
	var response server.PrivilegesCheckedJSONResponse
	question, err := readQuestion(name, documentOf(ctx))
	if err != nil {
		return response, err
	}
	subject := subjectOf(ctx)
	if name != subject.User {
		return response, fault.New(fault.InvalidData, fmt.Sprintf(
			"users may only check the privileges of their own account, which is [%s] and not [%s]; to check another's, act as that user with %s", subject.User, name, runAsHeader))
	}
	answer, err := h.Access.HasPrivileges(ctx, subject, question)
	if err != nil {
		return response, err
	}
	return server.PrivilegesCheckedJSONResponse{
		Username: answer.UserName, HasAllRequested: answer.HasAll, Cluster: answer.Cluster, Index: checks(answer.Index),
		Application: applicationChecks(answer.Application),
	}, nil
}

func checks(by map[string]map[string]bool) server.ResourcePrivilegeChecks {
	shown := make(server.ResourcePrivilegeChecks, len(by))
	for name, privileges := range by {
		shown[name] = privileges
	}
	return shown
}

func applicationChecks(by map[string]map[string]map[string]bool) server.ApplicationPrivilegeChecks {
	shown := make(server.ApplicationPrivilegeChecks, len(by))
	for name, resources := range by {
		shown[name] = checks(resources)
	}
	return shown
}

// readQuestion reads a question about a user's privileges.
func readQuestion(name string, body any) (access.PrivilegeCheck, error) {
	var q access.PrivilegeCheck
	if err := refuseLimits(body); err != nil {
		return q, err
	}
	err := xcontent.Parser{Name: "has_privileges_request", Fields: map[string]xcontent.Field{
		"cluster": xcontent.OrNull(xcontent.TextArray(&q.Cluster)),
		"index": xcontent.Array(func(value any) error {
			var i access.IndexCheck
			err := readIndexQuestion(&i, value)
			q.Indices = append(q.Indices, i)
			return err
		}),
		"application": xcontent.Array(func(value any) error {
			var a access.ApplicationCheck
			err := xcontent.Parser{Name: "application", Fields: map[string]xcontent.Field{
				"application": xcontent.Text(&a.Application), "privileges": xcontent.TextArray(&a.Privileges), "resources": xcontent.TextArray(&a.Resources),
			}, Required: []string{"application", "privileges", "resources"}}.Read(value)
			q.Applications = append(q.Applications, a)
			return err
		}),
	}}.Read(body)
	if err == nil && len(q.Cluster)+len(q.Indices)+len(q.Applications) == 0 {
		err = fault.New(fault.ParseFailed, "failed to parse privileges check ["+name+"]. All privilege fields [cluster,index,applications] are missing")
	}
	return q, err
}

// refuseLimits refuses questions about some fields or documents of an index.
func refuseLimits(body any) error {
	members, _ := body.(map[string]any)
	indices, _ := members["index"].([]any)
	for _, index := range indices {
		asked, _ := index.(map[string]any)
		for _, limit := range []string{"field_security", "query"} {
			if _, given := asked[limit]; given {
				return fault.New(fault.ParseFailed, "Field ["+limit+"] is not supported in a has_privileges request")
			}
		}
	}
	return nil
}

func readIndexQuestion(target *access.IndexCheck, value any) error {
	return xcontent.Parser{Name: "index", Fields: map[string]xcontent.Field{
		"names": xcontent.Texts(&target.Names), "privileges": xcontent.TextArray(&target.Privileges),
		"allow_restricted_indices": xcontent.Boolean(&target.AllowRestricted),
	}, Required: []string{"names", "privileges"}}.Read(value)
}

func readAnyQuestion(body any) (access.PrivilegeCheck, error) { return readQuestion("user", body) }

// SecurityGetUserPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityGetUserPrivileges(ctx context.Context, _ server.SecurityGetUserPrivilegesRequestObject) (server.SecurityGetUserPrivilegesResponseObject, error) {
	p, err := subjectOf(ctx).UserPrivileges()
	if err != nil {
		return nil, err
	}
	response := server.UserPrivilegesJSONResponse{
		Cluster: texts(p.Cluster), Applications: each(p.Applications, showApplication), RunAs: texts(p.RunAs),
		Indices: each(p.Indices, func(i access.IndexPrivileges) server.UserIndicesPrivileges {
			return server.UserIndicesPrivileges{
				Names: texts(i.Names), Privileges: texts(i.Privileges), FieldSecurity: showAllFields(i.FieldSecurity), Query: anyTexts(i.Queries),
				AllowRestrictedIndices: i.AllowRestrictedIndices,
			}
		}),
	}
	if response.Global, err = showConditions(p.Global); err != nil {
		return nil, err
	}
	if len(p.RemoteIndices) > 0 {
		remote := each(p.RemoteIndices, func(i access.IndexPrivileges) server.UserRemoteIndicesPrivileges {
			return server.UserRemoteIndicesPrivileges{
				Names: texts(i.Names), Privileges: texts(i.Privileges), FieldSecurity: showAllFields(i.FieldSecurity), Query: anyTexts(i.Queries),
				AllowRestrictedIndices: i.AllowRestrictedIndices, Clusters: texts(i.Clusters),
			}
		})
		response.RemoteIndices = &remote
	}
	if len(p.RemoteCluster) > 0 {
		remote := each(p.RemoteCluster, showRemoteCluster)
		response.RemoteCluster = &remote
	}
	return server.SecurityGetUserPrivileges200JSONResponse{UserPrivilegesJSONResponse: response}, nil
}

func showConditions(conditions []map[string]any) ([]server.GlobalPrivileges, error) {
	shown := []server.GlobalPrivileges{}
	for _, condition := range conditions {
		one, err := showGlobal(condition)
		if err != nil {
			return nil, err
		}
		shown = append(shown, *one)
	}
	return shown, nil
}

func showAllFields(list []roledescriptor.FieldSecurity) *[]server.FieldSecurity {
	if len(list) == 0 {
		return nil
	}
	shown := each(list, func(f roledescriptor.FieldSecurity) server.FieldSecurity { return *showFields(&f) })
	return &shown
}
