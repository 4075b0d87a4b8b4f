package httpapi

import (
	"encoding/json"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// showDescriptors shows a set as Elasticsearch does.
func showDescriptors(set roledescriptor.Set) (server.RoleDescriptorsInformation, error) {
	shown := make(server.RoleDescriptorsInformation, len(set))
	for name, d := range set {
		one, err := showDescriptor(d)
		if err != nil {
			return nil, err
		}
		shown[name] = one
	}
	return shown, nil
}

func showDescriptor(d roledescriptor.Descriptor) (server.RoleDescriptorInformation, error) {
	shown := server.RoleDescriptorInformation{
		Cluster: texts(d.Cluster), Indices: each(d.Indices, showIndices), Applications: each(d.Applications, showApplication),
		RunAs: texts(d.RunAs), Metadata: freeObject(d.Metadata), TransientMetadata: server.TransientMetadata{Enabled: true},
		Description: optional(d.Description),
	}
	if len(d.RemoteIndices) > 0 {
		remote := each(d.RemoteIndices, showRemoteIndices)
		shown.RemoteIndices = &remote
	}
	if len(d.RemoteCluster) > 0 {
		remote := each(d.RemoteCluster, showRemoteCluster)
		shown.RemoteCluster = &remote
	}
	if d.Restricted() {
		shown.Restriction = &server.RoleRestriction{Workflows: d.Restriction.Workflows}
	}
	var err error
	shown.Global, err = showGlobal(d.Global)
	return shown, err
}

// showGlobal has the contract's type read what was checked to have its shape.
func showGlobal(global map[string]any) (*server.GlobalPrivileges, error) {
	if len(global) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(global)
	if err != nil {
		return nil, err
	}
	var shown server.GlobalPrivileges
	return &shown, json.Unmarshal(text, &shown)
}

func showIndices(p roledescriptor.IndexPrivileges) server.IndicesPrivilegesInformation {
	return server.IndicesPrivilegesInformation{
		Names: texts(p.Names), Privileges: texts(p.Privileges), FieldSecurity: showFields(p.FieldSecurity), Query: optional(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices,
	}
}

func showRemoteIndices(p roledescriptor.RemoteIndexPrivileges) server.RemoteIndicesPrivilegesInformation {
	return server.RemoteIndicesPrivilegesInformation{
		Names: texts(p.Names), Privileges: texts(p.Privileges), FieldSecurity: showFields(p.FieldSecurity), Query: optional(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices, Clusters: texts(p.Clusters),
	}
}

func showRemoteCluster(p roledescriptor.RemoteClusterPrivileges) server.RemoteClusterPrivilegesInformation {
	return server.RemoteClusterPrivilegesInformation{Clusters: texts(p.Clusters), Privileges: texts(p.Privileges)}
}

func showFields(f *roledescriptor.FieldSecurity) *server.FieldSecurity {
	if f == nil {
		return nil
	}
	shown := server.FieldSecurity{Grant: texts(f.Grant)}
	if f.Except != nil {
		shown.Except = &f.Except
	}
	return &shown
}

func showApplication(p roledescriptor.ApplicationPrivileges) server.ApplicationPrivilegesEntry {
	return server.ApplicationPrivilegesEntry{Application: p.Application, Privileges: texts(p.Privileges), Resources: texts(p.Resources)}
}

// freeObject is never nil, so that it is {} in JSON and not null.
func freeObject(members map[string]any) server.FreeObject {
	if members == nil {
		return server.FreeObject{}
	}
	return members
}

// texts is never nil, so that it is [] in JSON and not null.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// anyTexts is nil for an empty list, so that it is left out of JSON.
func anyTexts(list []string) *[]string {
	if len(list) == 0 {
		return nil
	}
	return &list
}

// each is never nil either.
func each[T, U any](list []T, show func(T) U) []U {
	shown := make([]U, 0, len(list))
	for _, element := range list {
		shown = append(shown, show(element))
	}
	return shown
}
