package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// privilegeSelection selects application privileges.
type privilegeSelection struct {
	// application is "" for all.
	application string
	selection
}

func (a *API) privilegeOperations() []operation {
	return []operation{
		row[privilegeSelection, listing]{
			operations: []string{
				"security-get-privileges", "security-get-application-privileges", "security-get-application-privilege",
			},
			read: readPrivilegeSelection,
			do:   a.findPrivileges,
			show: showListing,
		},
		row[applicationprivilege.Set, map[string]map[string]bool]{
			operations: []string{"security-put-privileges", "security-put-privileges-post"},
			read:       bodyOf(readPrivileges),
			check:      applicationprivilege.Check,
			do: func(ctx context.Context, _ call, set applicationprivilege.Set) (map[string]map[string]bool, error) {
				return a.Privileges.Put(ctx, set)
			},
			show: showCreatedPrivileges,
		},
		row[privilegeSelection, map[string]map[string]bool]{
			operations: []string{"security-delete-application-privileges"},
			read:       readPrivilegeSelection,
			do: func(ctx context.Context, _ call, s privilegeSelection) (map[string]map[string]bool, error) {
				return a.Privileges.Delete(ctx, s.application, s.names)
			},
			show: showDeletedPrivileges,
		},
		row[none, none]{
			operations: []string{"security-get-builtin-privileges"},
			read:       readNothing,
			do:         doNothing,
			show:       a.showBuiltinPrivileges,
		},
	}
}

func readPrivilegeSelection(r request) (privilegeSelection, error) {
	application, named := r.params["application"]
	return privilegeSelection{application, selection{list(r.params["privilege"]), named}}, nil
}

func (a *API) findPrivileges(ctx context.Context, _ call, s privilegeSelection) (listing, error) {
	set, err := a.Privileges.Get(ctx, s.application, s.names)
	shown := make(gen.ApplicationPrivilegesInformation, len(set))
	for application, privileges := range set {
		shown[application] = make(gen.PrivilegesInformation, len(privileges))
		for name, p := range privileges {
			shown[application][name] = gen.PrivilegeInformation{
				Application: application,
				Name:        name,
				Actions:     texts(p.Actions),
				Metadata:    freeObject(p.Metadata),
			}
		}
	}

	return listing{shown, s.named && len(set) == 0}, err
}

func showCreatedPrivileges(created map[string]map[string]bool) (response, error) {
	shown := make(gen.PutPrivilegesResponse, len(created))
	for application, names := range created {
		shown[application] = make(gen.CreatedPrivileges, len(names))
		for name, is := range names {
			shown[application][name] = gen.CreatedResponse{Created: is}
		}
	}
	return ok(shown)
}

func showDeletedPrivileges(outcome map[string]map[string]bool) (response, error) {
	shown, missing := gen.DeletePrivilegesResponse{}, true
	for application, names := range outcome {
		shown[application] = make(gen.FoundPrivileges, len(names))
		for name, found := range names {
			shown[application][name] = gen.FoundResponse{Found: found}
			missing = missing && !found
		}
	}
	return showListing(listing{shown, missing})
}

func (a *API) showBuiltinPrivileges(none) (response, error) {
	return ok(gen.BuiltinPrivilegesResponse{
		Cluster:       a.Names.Cluster(),
		Index:         a.Names.Index(),
		RemoteCluster: []string{"monitor_enrich", "monitor_stats"},
	})
}

// readPrivileges reads privileges by application and name. If a privilege repeats them, they must be the same.
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
		"actions":     xcontent.TextArray(&p.Actions),
		"metadata":    xcontent.Object(&p.Metadata),
		"application": xcontent.Text(&ofApplication),
		"name":        xcontent.Text(&ofName),
	}}.Read(value)

	if err == nil && (ofApplication != application || ofName != name) {
		err = fault.New(fault.InvalidData, "privilege ["+ofName+"] of application ["+ofApplication+"] does not match "+
			"its place ["+application+"/"+name+"]")
	}

	return p, err
}

// eachMember reads an object with arbitrary member names.
func eachMember(parser string, body any, read func(name string, value any) error) error {
	var members map[string]any
	if xcontent.Object(&members)(body) != nil {
		return xcontent.Parser{Name: parser}.Read(body) // it returns the parser's refusal
	}
	fields := make(map[string]xcontent.Field, len(members))
	for name := range members {
		fields[name] = func(value any) error { return read(name, value) }
	}
	return xcontent.Parser{Name: parser, Fields: fields}.Read(body)
}
