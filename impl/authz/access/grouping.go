package access

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// mergeByKey merges the elements with the same key, and returns one element per key, sorted by key. merge may reuse the
// memory of its arguments.
func mergeByKey[T any](elements []T, key func(T) string, merge func(T, T) T) []T {
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

// keyOf encodes texts as one text that is unique to them.
func keyOf(texts ...string) string {
	var key strings.Builder
	for _, text := range texts {
		key.WriteString(strconv.Quote(text))
	}
	return key.String()
}

// mergeIndexPrivileges merges the privileges on the same names. As in Elasticsearch, a limit of documents or fields
// remains only if all merged privileges have one.
func mergeIndexPrivileges(list []IndexPrivileges) []IndexPrivileges {
	list = mergeByKey(list, func(p IndexPrivileges) string {
		return keyOf(p.Names...) + " " + keyOf(p.Clusters...) + " " + strconv.FormatBool(p.AllowRestrictedIndices)
	}, func(a, b IndexPrivileges) IndexPrivileges {
		a.Privileges = append(a.Privileges, b.Privileges...)
		a.FieldSecurity = unionOfLimits(a.FieldSecurity, b.FieldSecurity)
		a.Queries = unionOfLimits(a.Queries, b.Queries)
		return a
	})

	for i, p := range list {
		list[i].Privileges = sortedUnique(p.Privileges)
		if len(p.Queries) > 0 {
			list[i].Queries = sortedUnique(p.Queries)
		}
		list[i].FieldSecurity = mergeByKey(p.FieldSecurity, func(f roledescriptor.FieldSecurity) string {
			return keyOf(f.Grant...) + " " + keyOf(f.Except...)
		}, func(a, _ roledescriptor.FieldSecurity) roledescriptor.FieldSecurity { return a })
	}
	return list
}

// unionOfLimits returns the limits of both lists. An empty list means no limit, so it makes the result empty.
func unionOfLimits[T any](a, b []T) []T {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	return append(a, b...)
}

// mergeApplicationPrivileges merges the privileges of the same application on the same resources.
func mergeApplicationPrivileges(list []roledescriptor.ApplicationPrivileges) []roledescriptor.ApplicationPrivileges {
	list = mergeByKey(list, func(p roledescriptor.ApplicationPrivileges) string {
		return keyOf(p.Application) + " " + keyOf(sortedUnique(p.Resources)...)
	}, func(a, b roledescriptor.ApplicationPrivileges) roledescriptor.ApplicationPrivileges {
		a.Privileges = append(a.Privileges, b.Privileges...)
		return a
	})

	for i, p := range list {
		list[i].Privileges, list[i].Resources = sortedUnique(p.Privileges), sortedUnique(p.Resources)
	}
	return list
}

// mergeRemoteClusterPrivileges merges the privileges on the same clusters.
func mergeRemoteClusterPrivileges(
	list []roledescriptor.RemoteClusterPrivileges,
) []roledescriptor.RemoteClusterPrivileges {
	list = mergeByKey(list, func(p roledescriptor.RemoteClusterPrivileges) string {
		return keyOf(sortedUnique(p.Clusters)...)
	}, func(a, b roledescriptor.RemoteClusterPrivileges) roledescriptor.RemoteClusterPrivileges {
		a.Privileges = append(a.Privileges, b.Privileges...)
		return a
	})

	for i, p := range list {
		list[i].Clusters, list[i].Privileges = sortedUnique(p.Clusters), sortedUnique(p.Privileges)
	}
	return list
}
