package elastic

import (
	"encoding/json"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/http/convert"
)

// showDescriptors returns a set in the form of Elasticsearch's responses.
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
		Cluster:           texts(d.Cluster),
		Indices:           convert.Each(d.Indices, showIndices),
		Applications:      convert.Each(d.Applications, showApplication),
		RunAs:             texts(d.RunAs),
		Metadata:          freeObject(d.Metadata),
		TransientMetadata: gen.TransientMetadata{Enabled: true},
		Description:       convert.Text(d.Description),
		RemoteIndices:     convert.Optional(d.RemoteIndices, showRemoteIndices),
		RemoteCluster:     convert.Optional(d.RemoteCluster, showRemoteCluster),
	}

	if d.Restricted() {
		shown.Restriction = &gen.RoleRestriction{Workflows: d.Restriction.Workflows}
	}

	var err error
	shown.Global, err = showGlobal(d.Global)
	return shown, err
}

// showGlobal converts global privileges, which were validated before, to the contract's type.
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
		Names:                  texts(p.Names),
		Privileges:             texts(p.Privileges),
		FieldSecurity:          showFields(p.FieldSecurity),
		Query:                  convert.Text(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices,
	}
}

func showRemoteIndices(p roledescriptor.RemoteIndexPrivileges) gen.RemoteIndicesPrivilegesInformation {
	return gen.RemoteIndicesPrivilegesInformation{
		Names:                  texts(p.Names),
		Privileges:             texts(p.Privileges),
		FieldSecurity:          showFields(p.FieldSecurity),
		Query:                  convert.Text(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices,
		Clusters:               texts(p.Clusters),
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
	return gen.ApplicationPrivilegesEntry{
		Application: p.Application,
		Privileges:  texts(p.Privileges),
		Resources:   texts(p.Resources),
	}
}

// freeObject never returns nil, so that the JSON is {} and not null.
func freeObject(members map[string]any) gen.FreeObject {
	if members == nil {
		return gen.FreeObject{}
	}
	return members
}

// texts never returns nil, so that the JSON is [] and not null.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// anyTexts returns nil for an empty list, so that the member is left out of the JSON.
func anyTexts(list []string) *[]string {
	if len(list) == 0 {
		return nil
	}
	return &list
}
