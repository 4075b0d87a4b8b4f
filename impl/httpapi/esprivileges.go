package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Elasticsearch's actions on privileges of applications.
const (
	actionGetPrivileges    = "cluster:admin/xpack/security/privilege/get"
	actionPutPrivileges    = "cluster:admin/xpack/security/privilege/put"
	actionDeletePrivileges = "cluster:admin/xpack/security/privilege/delete"
	actionGetBuiltin       = "cluster:admin/xpack/security/privilege/builtin/get"
)

// SecurityGetPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityGetPrivileges(ctx context.Context, _ server.SecurityGetPrivilegesRequestObject) (server.SecurityGetPrivilegesResponseObject, error) {
	found, err := h.findPrivileges(ctx, "", nil)
	return server.SecurityGetPrivileges200JSONResponse(found), err
}

// SecurityGetApplicationPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityGetApplicationPrivileges(ctx context.Context, r server.SecurityGetApplicationPrivilegesRequestObject) (server.SecurityGetApplicationPrivilegesResponseObject, error) {
	found, err := h.findPrivileges(ctx, r.Application, nil)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return server.SecurityGetApplicationPrivileges404JSONResponse(found), nil
	}
	return server.SecurityGetApplicationPrivileges200JSONResponse(found), nil
}

// SecurityGetApplicationPrivilege implements server.StrictServerInterface.
func (h *handlers) SecurityGetApplicationPrivilege(ctx context.Context, r server.SecurityGetApplicationPrivilegeRequestObject) (server.SecurityGetApplicationPrivilegeResponseObject, error) {
	found, err := h.findPrivileges(ctx, r.Application, list(r.Privilege))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return server.SecurityGetApplicationPrivilege404JSONResponse(found), nil
	}
	return server.SecurityGetApplicationPrivilege200JSONResponse(found), nil
}

func (h *handlers) findPrivileges(ctx context.Context, application string, names []string) (server.ApplicationPrivilegesInformation, error) {
	if err := subjectOf(ctx).Require(actionGetPrivileges); err != nil {
		return nil, err
	}
	set, err := h.Privileges.Get(ctx, application, names)
	shown := make(server.ApplicationPrivilegesInformation, len(set))
	for application, privileges := range set {
		shown[application] = make(server.PrivilegesInformation, len(privileges))
		for name, p := range privileges {
			shown[application][name] = server.PrivilegeInformation{
				Application: application, Name: name, Actions: texts(p.Actions), Metadata: freeObject(p.Metadata),
			}
		}
	}
	return shown, err
}

// SecurityPutPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityPutPrivileges(ctx context.Context, _ server.SecurityPutPrivilegesRequestObject) (server.SecurityPutPrivilegesResponseObject, error) {
	put, err := h.putPrivileges(ctx)
	return server.SecurityPutPrivileges200JSONResponse(put), err
}

// SecurityPutPrivilegesPost implements server.StrictServerInterface.
func (h *handlers) SecurityPutPrivilegesPost(ctx context.Context, _ server.SecurityPutPrivilegesPostRequestObject) (server.SecurityPutPrivilegesPostResponseObject, error) {
	put, err := h.putPrivileges(ctx)
	return server.SecurityPutPrivilegesPost200JSONResponse(put), err
}

func (h *handlers) putPrivileges(ctx context.Context) (server.PutPrivilegesResponse, error) {
	set, err := readPrivileges(documentOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := applicationprivilege.Check(set); err != nil {
		return nil, err
	}
	if err := subjectOf(ctx).Require(actionPutPrivileges); err != nil {
		return nil, err
	}
	created, err := h.Privileges.Put(ctx, set)
	shown := make(server.PutPrivilegesResponse, len(created))
	for application, names := range created {
		shown[application] = make(server.CreatedPrivileges, len(names))
		for name, is := range names {
			shown[application][name] = server.CreatedResponse{Created: is}
		}
	}
	return shown, err
}

// readPrivileges reads privileges by application and name. What a privilege says of both itself must be the same.
func readPrivileges(body any) (applicationprivilege.Set, error) {
	set := applicationprivilege.Set{}
	err := eachMember("put_privileges_request", body, func(application string, value any) error {
		set[application] = map[string]applicationprivilege.Privilege{}
		return eachMember(application, value, func(name string, value any) error {
			p, err := readPrivilege(application, name, value)
			set[application][name] = p
			return err
		})
	})
	return set, err
}

func readPrivilege(application, name string, value any) (applicationprivilege.Privilege, error) {
	var p applicationprivilege.Privilege
	ofApplication, ofName := application, name
	err := xcontent.Parser{Name: "application_privilege", Fields: map[string]xcontent.Field{
		"actions": xcontent.TextArray(&p.Actions), "metadata": xcontent.Object(&p.Metadata),
		"application": xcontent.Text(&ofApplication), "name": xcontent.Text(&ofName),
	}}.Read(value)
	if err == nil && (ofApplication != application || ofName != name) {
		err = fault.New(fault.InvalidData, "privilege ["+ofName+"] of application ["+ofApplication+"] does not match its place ["+application+"/"+name+"]")
	}
	return p, err
}

// eachMember reads an object whose members have names of the caller's own.
func eachMember(parser string, body any, read func(name string, value any) error) error {
	var members map[string]any
	if xcontent.Object(&members)(body) != nil {
		return xcontent.Parser{Name: parser}.Read(body) // which words the refusal
	}
	fields := make(map[string]xcontent.Field, len(members))
	for name := range members {
		fields[name] = func(value any) error { return read(name, value) }
	}
	return xcontent.Parser{Name: parser, Fields: fields}.Read(body)
}

// SecurityDeleteApplicationPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityDeleteApplicationPrivileges(ctx context.Context, r server.SecurityDeleteApplicationPrivilegesRequestObject) (server.SecurityDeleteApplicationPrivilegesResponseObject, error) {
	if err := subjectOf(ctx).Require(actionDeletePrivileges); err != nil {
		return nil, err
	}
	outcome, err := h.Privileges.Delete(ctx, r.Application, list(r.Privilege))
	if err != nil {
		return nil, err
	}
	shown, some := server.DeletePrivilegesResponse{}, false
	for application, names := range outcome {
		shown[application] = make(server.FoundPrivileges, len(names))
		for name, found := range names {
			shown[application][name] = server.FoundResponse{Found: found}
			some = some || found
		}
	}
	if !some {
		return server.SecurityDeleteApplicationPrivileges404JSONResponse(shown), nil
	}
	return server.SecurityDeleteApplicationPrivileges200JSONResponse(shown), nil
}

// SecurityGetBuiltinPrivileges implements server.StrictServerInterface.
func (h *handlers) SecurityGetBuiltinPrivileges(ctx context.Context, _ server.SecurityGetBuiltinPrivilegesRequestObject) (server.SecurityGetBuiltinPrivilegesResponseObject, error) {
	return server.SecurityGetBuiltinPrivileges200JSONResponse{BuiltinPrivilegesJSONResponse: server.BuiltinPrivilegesJSONResponse{
		Cluster: privilege.ClusterNames(), Index: privilege.IndexNames(), RemoteCluster: []string{"monitor_enrich", "monitor_stats"},
	}}, subjectOf(ctx).Require(actionGetBuiltin)
}
