package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// Elasticsearch's actions on roles.
const (
	actionGetRoles   = "cluster:admin/xpack/security/role/get"
	actionPutRole    = "cluster:admin/xpack/security/role/put"
	actionDeleteRole = "cluster:admin/xpack/security/role/delete"
)

// SecurityGetRoles implements server.StrictServerInterface.
func (h *handlers) SecurityGetRoles(ctx context.Context, _ server.SecurityGetRolesRequestObject) (server.SecurityGetRolesResponseObject, error) {
	roles, err := h.findRoles(ctx, nil)
	return server.SecurityGetRoles200JSONResponse(roles), err
}

// SecurityGetRole implements server.StrictServerInterface.
func (h *handlers) SecurityGetRole(ctx context.Context, r server.SecurityGetRoleRequestObject) (server.SecurityGetRoleResponseObject, error) {
	names := list(r.Name)
	roles, err := h.findRoles(ctx, names)
	if err != nil {
		return nil, err
	}
	if len(roles) == 0 {
		return server.SecurityGetRole404JSONResponse(roles), nil
	}
	return server.SecurityGetRole200JSONResponse(roles), nil
}

func (h *handlers) findRoles(ctx context.Context, names []string) (server.RoleDescriptorsInformation, error) {
	if err := subjectOf(ctx).Require(actionGetRoles); err != nil {
		return nil, err
	}
	set, err := h.Roles.Get(ctx, names)
	if err != nil {
		return nil, err
	}
	return showDescriptors(set)
}

// SecurityPutRole implements server.StrictServerInterface.
func (h *handlers) SecurityPutRole(ctx context.Context, r server.SecurityPutRoleRequestObject) (server.SecurityPutRoleResponseObject, error) {
	put, err := h.putRole(ctx, r.Name)
	return server.SecurityPutRole200JSONResponse{SecurityRolePutJSONResponse: put}, err
}

// SecurityPutRolePost implements server.StrictServerInterface.
func (h *handlers) SecurityPutRolePost(ctx context.Context, r server.SecurityPutRolePostRequestObject) (server.SecurityPutRolePostResponseObject, error) {
	put, err := h.putRole(ctx, r.Name)
	return server.SecurityPutRolePost200JSONResponse{SecurityRolePutJSONResponse: put}, err
}

func (h *handlers) putRole(ctx context.Context, name string) (server.SecurityRolePutJSONResponse, error) {
	var response server.SecurityRolePutJSONResponse
	d, err := readRole(name, documentOf(ctx))
	if err != nil {
		return response, err
	}
	if err := role.Check(name, d); err != nil {
		return response, err
	}
	if err := subjectOf(ctx).Require(actionPutRole); err != nil {
		return response, err
	}
	response.Role.Created, err = h.Roles.Put(ctx, name, d)
	return response, err
}

// SecurityDeleteRole implements server.StrictServerInterface.
func (h *handlers) SecurityDeleteRole(ctx context.Context, r server.SecurityDeleteRoleRequestObject) (server.SecurityDeleteRoleResponseObject, error) {
	if err := subjectOf(ctx).Require(actionDeleteRole); err != nil {
		return nil, err
	}
	found, err := h.Roles.Delete(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	if !found {
		return server.SecurityDeleteRole404JSONResponse{SecurityNothingDeletedJSONResponse: server.SecurityNothingDeletedJSONResponse{Found: false}}, nil
	}
	return server.SecurityDeleteRole200JSONResponse{SecurityDeletedJSONResponse: server.SecurityDeletedJSONResponse{Found: true}}, nil
}

func readRole(name string, body any) (roledescriptor.Descriptor, error) {
	return roledescriptor.Parse(name, body, roledescriptor.Options{AllowDescription: true})
}
