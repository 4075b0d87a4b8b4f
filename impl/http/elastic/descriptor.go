package elastic

import (
	"encoding/json"

	"github.com/sallyport/sallyport/impl/http/convert"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// showDescriptors shows a set as Elasticsearch does.
func showDescriptors(set roledescriptor.Set) (gen.RoleDescriptorsInformation, error) {
	shown := make(gen.RoleDescriptorsInformation, len(set))
	for name, d := range set {
		one, err := showDescriptor(d)
		if err != nil {
			return nil, err
		}
		shown[name] = one
	}
	return shown, nil
}

func showDescriptor(d roledescriptor.Descriptor) (gen.RoleDescriptorInformation, error) {
	shown := gen.RoleDescriptorInformation{
		Cluster: texts(d.Cluster), Indices: convert.Each(d.Indices, showIndices), Applications: convert.Each(d.Applications, showApplication),
		RunAs: texts(d.RunAs), Metadata: freeObject(d.Metadata), TransientMetadata: gen.TransientMetadata{Enabled: true},
		Description: convert.Text(d.Description),
	}
	if len(d.RemoteIndices) > 0 {
		remote := convert.Each(d.RemoteIndices, showRemoteIndices)
		shown.RemoteIndices = &remote
	}
	if len(d.RemoteCluster) > 0 {
		remote := convert.Each(d.RemoteCluster, showRemoteCluster)
		shown.RemoteCluster = &remote
	}
	if d.Restricted() {
		shown.Restriction = &gen.RoleRestriction{Workflows: d.Restriction.Workflows}
	}
	var err error
	shown.Global, err = showGlobal(d.Global)
	return shown, err
}

// showGlobal has the contract's type read what was checked to have its shape.
func showGlobal(global map[string]any) (*gen.GlobalPrivileges, error) {
	if len(global) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(global)
	if err != nil {
		return nil, err
	}
	var shown gen.GlobalPrivileges
	return &shown, json.Unmarshal(text, &shown)
}

func showIndices(p roledescriptor.IndexPrivileges) gen.IndicesPrivilegesInformation {
	return gen.IndicesPrivilegesInformation{
		Names: texts(p.Names), Privileges: texts(p.Privileges), FieldSecurity: showFields(p.FieldSecurity), Query: convert.Text(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices,
	}
}

func showRemoteIndices(p roledescriptor.RemoteIndexPrivileges) gen.RemoteIndicesPrivilegesInformation {
	return gen.RemoteIndicesPrivilegesInformation{
		Names: texts(p.Names), Privileges: texts(p.Privileges), FieldSecurity: showFields(p.FieldSecurity), Query: convert.Text(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices, Clusters: texts(p.Clusters),
	}
}

func showRemoteCluster(p roledescriptor.RemoteClusterPrivileges) gen.RemoteClusterPrivilegesInformation {
	return gen.RemoteClusterPrivilegesInformation{Clusters: texts(p.Clusters), Privileges: texts(p.Privileges)}
}

func showFields(f *roledescriptor.FieldSecurity) *gen.FieldSecurity {
	if f == nil {
		return nil
	}
	shown := gen.FieldSecurity{Grant: texts(f.Grant)}
	if f.Except != nil {
		shown.Except = &f.Except
	}
	return &shown
}

func showApplication(p roledescriptor.ApplicationPrivileges) gen.ApplicationPrivilegesEntry {
	return gen.ApplicationPrivilegesEntry{Application: p.Application, Privileges: texts(p.Privileges), Resources: texts(p.Resources)}
}

// freeObject is never nil, so that it is {} in JSON and not null.
func freeObject(members map[string]any) gen.FreeObject {
	if members == nil {
		return gen.FreeObject{}
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
