package privilege

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// indexNames maps the named index privileges to actions: those of Elasticsearch's specification, version 9.5, and
// those of the server that the specification omits. The actions follow the reference ("Security privileges"). The
// server runs none of them, so they matter only for queries about privileges. A failure store is a separate index
// next to a data stream. Its privileges apply to nothing else, so their actions match no other action pattern.
var indexNames = map[string]actions{
	"all":            "indices:* internal:transport/proxy/indices:* failures:*",
	"auto_configure": "indices:admin/auto_create indices:admin/mapping/auto_put",
	"create":         createDocument + " indices:data/write/index indices:data/write/index:*",
	"create_doc":     createDocument,
	"create_index":   createIndex,
	"create_view":    "indices:admin/esql/view/put",
	"cross_cluster_replication": "indices:data/read/xpack/ccr/* indices:admin/xpack/ccr/retention_lease/* " +
		"indices:monitor/stats",
	"cross_cluster_replication_internal": "indices:internal/admin/ccr/*",
	"delete":                             "indices:data/write/bulk indices:data/write/delete",
	"delete_index":                       "indices:admin/delete indices:admin/data_stream/delete",
	"delete_view":                        "indices:admin/esql/view/delete",
	"index": createDocument +
		" indices:data/write/index indices:data/write/index:* indices:data/write/update",
	"maintenance": "indices:admin/refresh indices:admin/flush indices:admin/synced_flush " +
		"indices:admin/forcemerge",
	"manage":                       "indices:monitor/* indices:admin/*",
	"manage_data_stream_lifecycle": "indices:admin/data_stream/lifecycle/*",
	"manage_failure_store":         "failures:manage",
	"manage_follow_index": "indices:admin/xpack/ccr/* indices:admin/close indices:admin/open " +
		createIndex,
	"manage_ilm":          "indices:admin/ilm/*",
	"manage_leader_index": "indices:admin/xpack/ccr/forget_follower",
	"manage_view":         "indices:admin/esql/view/*",
	"monitor":             "indices:monitor/*",
	"none":                "",
	"read":                "indices:data/read/*",
	"read_cross_cluster":  "internal:transport/proxy/indices:data/read/*",
	"read_failure_store":  "failures:read",
	"read_view_metadata":  "indices:admin/esql/view/get",
	"view_index_metadata": "indices:admin/aliases/get indices:admin/get indices:admin/mappings/get " +
		"indices:admin/mappings/fields/get " +
		"indices:admin/settings/get indices:admin/data_stream/get indices:admin/resolve/* indices:admin/ilm/explain " +
		"indices:admin/validate/query",
	"write": "indices:data/write/* indices:admin/mapping/auto_put",
}

const (
	createDocument = "indices:data/write/bulk indices:data/write/index:op_type/create"
	createIndex    = "indices:admin/create indices:admin/auto_create indices:admin/data_stream/create"
)

var (
	index         = compileNamed(indexNames)
	indexNameList = strings.Join(slices.Sorted(maps.Keys(indexNames)), ",")
)

// indexPatterns are the prefixes of action patterns that are index privileges.
var indexPatterns = []string{"indices:", "internal:transport/proxy/indices:"}

// restricted are the indices with data of the server itself. A privilege over * includes them only with
// allow_restricted_indices. Elasticsearch publishes no list. This one has those of security and of other features
// that its reference calls system indices.
var restricted = []*pattern{
	must(".security*"), must(".async-search*"), must(".fleet*"), must(".kibana*"), must(".tasks*"), must(".watches*"),
	must(".triggered_watches*"), must(".synonyms*"), must(".query-rules*"), must(".connector-secrets*"),
}

var allRestricted = boxes{{{in: restricted}}}

// indexGrant returns the actions of an index privilege.
func indexGrant(privilege string) (boxes, error) {
	text := strings.ToLower(privilege)
	if b, found := index[text]; found {
		return b, nil
	}

	b, err := compileActionPattern(text, indexPatterns)
	if err != nil {
		return nil, unknownIndex(privilege, indexNameList)
	}

	return b, nil
}

func unknownIndex(privilege, names string) error {
	return fmt.Errorf(
		"unknown index privilege [%s]. a privilege must be either one of the predefined fixed indices privileges [%s] "+
			"or a pattern over one of the available index actions", privilege, names)
}

// compile returns the boxes of index names and actions.
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

// indexTerm returns the names of the patterns, without restricted indices unless they are allowed.
func indexTerm(names []*pattern, allowRestricted bool) term {
	if allowRestricted {
		return term{in: names}
	}
	return term{names, restricted}
}
