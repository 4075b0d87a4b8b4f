package ece

import (
	"context"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/fault"
)

// AddRoleAssignments implements the generated interface.
func (a *API) AddRoleAssignments(
	ctx context.Context, r server.AddRoleAssignmentsRequestObject,
) (server.AddRoleAssignmentsResponseObject, error) {
	err := a.refuseRoleAssignments(ctx, r.UserID, r.Body)
	return server.AddRoleAssignments200JSONResponse{EmptyJSONResponse: empty()}, err
}

// RemoveRoleAssignments implements the generated interface.
func (a *API) RemoveRoleAssignments(
	ctx context.Context, r server.RemoveRoleAssignmentsRequestObject,
) (server.RemoveRoleAssignmentsResponseObject, error) {
	err := a.refuseRoleAssignments(ctx, r.UserID, r.Body)
	return server.RemoveRoleAssignments200JSONResponse{EmptyJSONResponse: empty()}, err
}

// refuseRoleAssignments refuses all role assignments of a user: a self-hosted installation has none.
func (a *API) refuseRoleAssignments(ctx context.Context, userID string, r *server.RoleAssignments) error {
	_, err := a.Users.Get(ctx, userID)
	switch {
	case fault.Has(err, fault.UserNotFound):
		return fault.Wrap(fault.RoleAssigneeInvalid, err, "there is no such user", "user_id")
	case err != nil:
		return err
	case assignsRoles(r):
		return fault.New(fault.RoleAssignmentsForbidden, "role assignments are not available in a self-hosted installation")
	}
	return nil
}

// assignsRoles reports whether the assignments contain any role: empty lists count as none.
func assignsRoles(r *server.RoleAssignments) bool {
	if r == nil {
		return false
	}
	project := r.Project
	if project == nil {
		project = &server.ProjectRoleAssignments{}
	}
	return some(r.Platform) || some(r.Organization) || some(r.Deployment) ||
		some(project.Elasticsearch) || some(project.Observability) || some(project.Security)
}

func some[T any](list *[]T) bool { return list != nil && len(*list) > 0 }
