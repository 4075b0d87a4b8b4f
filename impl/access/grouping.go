package access

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/impl/roledescriptor"
)

// group puts together the elements that have the same key, and returns them by their keys. What
// merge returns may take the place of what it was given.
func group[T any](elements []T, key func(T) string, merge func(T, T) T) []T {
	byKey := map[string]T{}
	for _, e := range elements {
		k := key(e)
		if other, found := byKey[k]; found {
			e = merge(other, e)
		}
		byKey[k] = e
	}
	list := make([]T, 0, len(byKey))
	for _, k := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, byKey[k])
	}
	return list
}

// keyOf is one text for some texts, which no others have.
func keyOf(texts ...string) string {
	var key strings.Builder
	for _, text := range texts {
		key.WriteString(strconv.Quote(text))
	}
	return key.String()
}

// grouped puts together what is over the same names. As in Elasticsearch a limit of documents or fields counts only if all
// that is put together has one.
func grouped(list []IndexPrivileges) []IndexPrivileges {
	list = group(list, func(p IndexPrivileges) string {
		return keyOf(p.Names...) + " " + keyOf(p.Clusters...) + " " + strconv.FormatBool(p.AllowRestrictedIndices)
	}, func(a, b IndexPrivileges) IndexPrivileges {
		a.Privileges = append(a.Privileges, b.Privileges...)
		a.FieldSecurity = either(a.FieldSecurity, b.FieldSecurity)
		a.Queries = either(a.Queries, b.Queries)
		return a
	})
	for i, p := range list {
		list[i].Privileges = distinct(p.Privileges)
		if len(p.Queries) > 0 {
			list[i].Queries = distinct(p.Queries)
		}
		list[i].FieldSecurity = group(p.FieldSecurity, func(f roledescriptor.FieldSecurity) string {
			return keyOf(f.Grant...) + " " + keyOf(f.Except...)
		}, func(a, _ roledescriptor.FieldSecurity) roledescriptor.FieldSecurity { return a })
	}
	return list
}

// either is what is visible by one of two limits; none if one is no limit.
func either[T any](a, b []T) []T {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	return append(a, b...)
}

func groupedApplications(list []roledescriptor.ApplicationPrivileges) []roledescriptor.ApplicationPrivileges {
	list = group(list, func(p roledescriptor.ApplicationPrivileges) string {
		return keyOf(p.Application) + " " + keyOf(distinct(p.Resources)...)
	}, func(a, b roledescriptor.ApplicationPrivileges) roledescriptor.ApplicationPrivileges {
		a.Privileges = append(a.Privileges, b.Privileges...)
		return a
	})
	for i, p := range list {
		list[i].Privileges, list[i].Resources = distinct(p.Privileges), distinct(p.Resources)
	}
	return list
}

func groupedClusters(list []roledescriptor.RemoteClusterPrivileges) []roledescriptor.RemoteClusterPrivileges {
	list = group(list, func(p roledescriptor.RemoteClusterPrivileges) string {
		return keyOf(distinct(p.Clusters)...)
	}, func(a, b roledescriptor.RemoteClusterPrivileges) roledescriptor.RemoteClusterPrivileges {
		a.Privileges = append(a.Privileges, b.Privileges...)
		return a
	})
	for i, p := range list {
		list[i].Clusters, list[i].Privileges = distinct(p.Clusters), distinct(p.Privileges)
	}
	return list
}
