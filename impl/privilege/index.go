package privilege

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// indexNames are the named index privileges of Elasticsearch's specification, version 9.5, and those of the server that
// the specification leaves out. What they grant is what the reference says of them ("Security privileges"); the server
// runs none of these actions, so this shows in answers to questions about privileges only. A failure store is an index of its own next to a data stream; its
// privileges are over nothing else, so they have actions that no action pattern reaches.
var indexNames = map[string]actions{
	"all":                                "indices:* internal:transport/proxy/indices:* failures:*",
	"auto_configure":                     "indices:admin/auto_create indices:admin/mapping/auto_put",
	"create":                             createDocument + " indices:data/write/index indices:data/write/index:*",
	"create_doc":                         createDocument,
	"create_index":                       createIndex,
	"create_view":                        "indices:admin/esql/view/put",
	"cross_cluster_replication":          "indices:data/read/xpack/ccr/* indices:admin/xpack/ccr/retention_lease/* indices:monitor/stats",
	"cross_cluster_replication_internal": "indices:internal/admin/ccr/*",
	"delete":                             "indices:data/write/bulk indices:data/write/delete",
	"delete_index":                       "indices:admin/delete indices:admin/data_stream/delete",
	"delete_view":                        "indices:admin/esql/view/delete",
	"index":                              createDocument + " indices:data/write/index indices:data/write/index:* indices:data/write/update",
	"maintenance":                        "indices:admin/refresh indices:admin/flush indices:admin/synced_flush indices:admin/forcemerge",
	"manage":                             "indices:monitor/* indices:admin/*",
	"manage_data_stream_lifecycle":       "indices:admin/data_stream/lifecycle/*",
	"manage_failure_store":               "failures:manage",
	"manage_follow_index":                "indices:admin/xpack/ccr/* indices:admin/close indices:admin/open " + createIndex,
	"manage_ilm":                         "indices:admin/ilm/*",
	"manage_leader_index":                "indices:admin/xpack/ccr/forget_follower",
	"manage_view":                        "indices:admin/esql/view/*",
	"monitor":                            "indices:monitor/*",
	"none":                               "",
	"read":                               "indices:data/read/*",
	"read_cross_cluster":                 "internal:transport/proxy/indices:data/read/*",
	"read_failure_store":                 "failures:read",
	"read_view_metadata":                 "indices:admin/esql/view/get",
	"view_index_metadata": "indices:admin/aliases/get indices:admin/get indices:admin/mappings/get indices:admin/mappings/fields/get " +
		"indices:admin/settings/get indices:admin/data_stream/get indices:admin/resolve/* indices:admin/ilm/explain indices:admin/validate/query",
	"write": "indices:data/write/* indices:admin/mapping/auto_put",
}

const (
	createDocument = "indices:data/write/bulk indices:data/write/index:op_type/create"
	createIndex    = "indices:admin/create indices:admin/auto_create indices:admin/data_stream/create"
)

var (
	index     = named(indexNames)
	indexSort = strings.Join(slices.Sorted(maps.Keys(indexNames)), ",")
)

// indexPatterns are the beginnings of the action patterns that are index privileges.
var indexPatterns = []string{"indices:", "internal:transport/proxy/indices:"}

// restricted are the indices that hold what a server itself relies on. A privilege over * does not reach them unless it
// says so. Which they are is ours to decide, since Elasticsearch publishes no list: those of security, and of other
// features that its reference calls system indices.
var restricted = []*pattern{
	must(".security*"), must(".async-search*"), must(".fleet*"), must(".kibana*"), must(".tasks*"), must(".watches*"),
	must(".triggered_watches*"), must(".synonyms*"), must(".query-rules*"), must(".connector-secrets*"),
}

var allRestricted = boxes{{{in: restricted}}}

// CheckIndex returns an error if there is no such index privilege: the name of one, in any case of letters, or a pattern
// of actions. The text is Elasticsearch's.
func CheckIndex(privilege string) error {
	_, err := indexGrant(privilege)
	return err
}

// IndexNames returns the names of all named index privileges, sorted.
func IndexNames() []string { return slices.Sorted(maps.Keys(indexNames)) }

func indexGrant(privilege string) (boxes, error) {
	text := strings.ToLower(privilege)
	if b, found := index[text]; found {
		return b, nil
	}
	b, err := patterned(text, indexPatterns)
	if err != nil {
		return nil, fmt.Errorf("unknown index privilege [%s]. a privilege must be either one of the predefined fixed indices privileges [%s] "+
			"or a pattern over one of the available index actions", privilege, indexSort)
	}
	return b, nil
}

// compile returns the boxes of names and actions.
func (entry Index) compile() (boxes, error) {
	in, err := parseAll(entry.Names)
	if err != nil {
		return nil, err
	}
	names := indexTerm(in, entry.AllowRestricted)
	var all boxes
	for _, privilege := range entry.Privileges {
		granted, err := indexGrant(privilege)
		if err != nil {
			return nil, err
		}
		for _, b := range granted {
			all = append(all, box{names, b[0]})
		}
	}
	return all, nil
}

func indexTerm(names []*pattern, allowRestricted bool) term {
	if allowRestricted {
		return term{in: names}
	}
	return term{names, restricted}
}
