package privilege

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Prefixes of actions.
const (
	security = "cluster:admin/xpack/security/"
	apiKey   = security + "api_key/"
)

// actions lists the action patterns that a named privilege grants, separated by blanks. Patterns after a - are
// excluded.
type actions string

// clusterNames maps the named cluster privileges to actions: those of Elasticsearch's specification, version 9.5, and
// those of the server that the specification omits. The security privileges are as in Elasticsearch. For the others
// the reference names a feature ("Security privileges"), and the table has the actions of that feature. The server
// runs none of them, so they matter only for queries about privileges.
var clusterNames = map[string]actions{
	"all":         "cluster:* indices:admin/template/* indices:admin/index_template/*",
	"cancel_task": "cluster:admin/tasks/cancel",
	"create_snapshot": "cluster:admin/snapshot/create cluster:admin/snapshot/get " +
		"cluster:admin/snapshot/status cluster:admin/repository/get",
	"cross_cluster_replication": "cluster:internal/remote_cluster/handshake " +
		"cluster:internal/remote_cluster/nodes cluster:monitor/state",
	"cross_cluster_search": "cluster:internal/remote_cluster/handshake " +
		"cluster:internal/remote_cluster/nodes cluster:monitor/state",
	"clone_api_key": apiKey + "clone",
	"delegate_pki":  security + "delegate_pki",
	"grant_api_key": apiKey + "grant",
	"manage": "cluster:* indices:admin/template/* indices:admin/index_template/* -" +
		security + "*",
	"manage_api_key":              apiKey + "*",
	"manage_autoscaling":          "cluster:admin/autoscaling/*",
	"manage_behavioral_analytics": "cluster:admin/xpack/application/analytics/*",
	"manage_ccr":                  "cluster:admin/xpack/ccr/* cluster:monitor/state",
	"manage_connector":            "cluster:admin/xpack/connector/*",
	"manage_data_frame_transforms": "cluster:admin/data_frame/* cluster:monitor/data_frame/* " +
		"cluster:admin/transform/* cluster:monitor/transform/*",
	"manage_data_stream_global_retention": "cluster:admin/data_stream/global_retention/*",
	"manage_enrich":                       "cluster:admin/xpack/enrich/* cluster:monitor/xpack/enrich/*",
	"manage_esql":                         "cluster:admin/xpack/esql/* cluster:monitor/xpack/esql/*",
	"manage_ilm":                          "cluster:admin/ilm/*",
	"manage_index_templates": "indices:admin/template/* indices:admin/index_template/* " +
		"cluster:admin/component_template/*",
	"manage_inference":          "cluster:admin/xpack/inference/* cluster:monitor/xpack/inference/*",
	"manage_ingest_pipelines":   "cluster:admin/ingest/pipeline/*",
	"manage_logstash_pipelines": "cluster:admin/logstash/pipeline/*",
	"manage_ml":                 "cluster:admin/xpack/ml/* cluster:monitor/xpack/ml/*",
	"manage_oidc":               security + "oidc/*",
	"manage_own_api_key":        apiKey + "create " + apiKey + "update " + apiKey + "bulk_update",
	"manage_pipeline":           "cluster:admin/ingest/pipeline/*",
	"manage_project_routing":    "cluster:admin/project_routing/* cluster:monitor/project_routing/*",
	"manage_reindex":            "cluster:admin/reindex/* cluster:monitor/reindex/*",
	"manage_rollup":             "cluster:admin/xpack/rollup/* cluster:monitor/xpack/rollup/*",
	"manage_saml": security + "saml/* " + security + "token/invalidate " + security + "token/refresh " +
		"cluster:monitor/xpack/security/saml/metadata",
	"manage_search_application": "cluster:admin/xpack/application/search_application/*",
	"manage_search_query_rules": "cluster:admin/xpack/query_rules/*",
	"manage_search_synonyms":    "cluster:admin/synonyms/*",
	"manage_security":           security + "* -" + security + "delegate_pki",
	"manage_service_account":    security + "service_account/*",
	"manage_slm": "cluster:admin/slm/* cluster:admin/ilm/operation_mode/get " +
		"cluster:admin/ilm/start cluster:admin/ilm/stop",
	"manage_token": security + "token/*",
	"manage_transform": "cluster:admin/data_frame/* cluster:monitor/data_frame/* " +
		"cluster:admin/transform/* cluster:monitor/transform/*",
	"manage_user_profile":                  security + "profile/*",
	"manage_watcher":                       "cluster:admin/xpack/watcher/* cluster:monitor/xpack/watcher/*",
	"monitor":                              "cluster:monitor/*",
	"monitor_connector":                    "cluster:admin/xpack/connector/get cluster:admin/xpack/connector/list",
	"monitor_data_frame_transforms":        "cluster:monitor/data_frame/* cluster:monitor/transform/*",
	"monitor_data_stream_global_retention": "cluster:admin/data_stream/global_retention/get",
	"monitor_enrich":                       "cluster:monitor/xpack/enrich/*",
	"monitor_esql":                         "cluster:monitor/xpack/esql/*",
	"monitor_inference":                    "cluster:monitor/xpack/inference/*",
	"monitor_ml":                           "cluster:monitor/xpack/ml/*",
	"monitor_reindex":                      "cluster:monitor/reindex/*",
	"monitor_rollup":                       "cluster:monitor/xpack/rollup/*",
	"monitor_snapshot": "cluster:admin/snapshot/get cluster:admin/snapshot/status " +
		"cluster:admin/repository/get",
	"monitor_stats":                   "cluster:monitor/stats",
	"monitor_text_structure":          "cluster:monitor/text_structure/*",
	"monitor_transform":               "cluster:monitor/data_frame/* cluster:monitor/transform/*",
	"monitor_watcher":                 "cluster:monitor/xpack/watcher/*",
	"none":                            "",
	"post_behavioral_analytics_event": "cluster:admin/xpack/application/analytics/post_event",
	"read_ccr":                        "cluster:admin/xpack/ccr/auto_follow_pattern/get",
	"read_connector_secrets":          "cluster:admin/xpack/connector/secret/get",
	"read_fleet_secrets":              "cluster:admin/fleet/secrets/get",
	"read_ilm":                        "cluster:admin/ilm/get cluster:admin/ilm/operation_mode/get",
	"read_pipeline":                   "cluster:admin/ingest/pipeline/get cluster:admin/ingest/pipeline/simulate",
	"read_project_routing":            "cluster:monitor/project_routing/*",
	"read_security": apiKey + "get " + apiKey + "query " + security + "user/get " + security + "user/query " +
		security + "user/has_privileges " + security + "user/list_privileges " + security + "role/get " + security +
		"role/query " +
		security + "role_mapping/get " + security + "privilege/get " + security + "privilege/builtin/get " +
		security + "profile/get " + security + "profile/suggest " + security + "profile/has_privileges " +
		security + "service_account/get " + security + "service_account/credential/get " + security + "settings/get",
	"read_slm": "cluster:admin/slm/get cluster:admin/slm/status cluster:admin/slm/stats " +
		"cluster:admin/ilm/operation_mode/get",
	"transport_client": "cluster:monitor/nodes/liveness cluster:monitor/state",
	"write_connector_secrets": "cluster:admin/xpack/connector/secret/delete cluster:admin/xpack/connector/secret/post " +
		"cluster:admin/xpack/connector/secret/put",
	"write_fleet_secrets": "cluster:admin/fleet/secrets/delete cluster:admin/fleet/secrets/post",
}

// ownKeys are the additional actions that manage_own_api_key grants on the caller's own keys.
const ownKeys actions = apiKey + "get " + apiKey + "query " + apiKey + "invalidate"

// grant holds the actions of a cluster privilege: those granted on everything, and those granted on the caller's own
// API keys only.
type grant struct{ always, ownKeyGrants boxes }

// compileNamed compiles a table of named privileges; "none" is an empty set.
func compileNamed(table map[string]actions) map[string]boxes {
	compiled := make(map[string]boxes, len(table))
	for name, list := range table {
		compiled[name] = list.compile()
	}
	return compiled
}

func (a actions) compile() boxes {
	var t term
	for text := range strings.FieldsSeq(string(a)) {
		if hole, out := strings.CutPrefix(text, "-"); out {
			t.out = append(t.out, must(hole))
		} else {
			t.in = append(t.in, must(text))
		}
	}

	if len(t.in) == 0 {
		return nil
	}

	return boxes{{t}}
}

var (
	cluster         = compileNamed(clusterNames)
	ownKeyGrants    = ownKeys.compile()
	clusterNameList = strings.Join(slices.Sorted(maps.Keys(clusterNames)), ",")
)

// clusterPatterns are the prefixes of action patterns that are cluster privileges.
var clusterPatterns = []string{"cluster:", "indices:admin/template/", "indices:admin/index_template/"}

// clusterGrant returns what a cluster privilege grants.
func clusterGrant(privilege string) (grant, error) {
	text := strings.ToLower(privilege)
	if always, found := cluster[text]; found {
		g := grant{always: always}
		if text == "manage_own_api_key" {
			g.ownKeyGrants = ownKeyGrants
		}
		return g, nil
	}

	always, err := compileActionPattern(text, clusterPatterns)
	if err != nil {
		return grant{}, unknownCluster(privilege, clusterNameList)
	}

	return grant{always: always}, nil
}

func unknownCluster(privilege, names string) error {
	return fmt.Errorf(
		"unknown cluster privilege [%s]. a privilege must be either one of the predefined cluster privilege names [%s] "+
			"or a pattern over one of the available cluster actions", privilege, names)
}

// compileActionPattern compiles an action pattern with one of the prefixes. It grants exactly the actions that the
// whole pattern matches, so it grants nothing that its author cannot see in it.
func compileActionPattern(text string, beginnings []string) (boxes, error) {
	if !slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(text, b) }) {
		return nil, fmt.Errorf("[%s] is not a pattern of actions", text)
	}

	p, err := parse(text)
	if err != nil {
		return nil, err
	}

	return boxes{{{in: []*pattern{p}}}}, nil
}
