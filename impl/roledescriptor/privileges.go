package roledescriptor

import (
	"slices"
	"strings"
)

// clusterPrivileges are the names that Elasticsearch 9 knows (its published specification, and three that only its
// server knows), without those of its hosted service, in order.
var clusterPrivileges = ordered(`
	all cancel_task create_snapshot cross_cluster_replication cross_cluster_search delegate_pki grant_api_key manage
	manage_api_key manage_autoscaling manage_behavioral_analytics manage_ccr manage_connector manage_data_frame_transforms
	manage_data_stream_global_retention manage_enrich manage_esql manage_ilm manage_index_templates manage_inference
	manage_ingest_pipelines manage_logstash_pipelines manage_ml manage_oidc manage_own_api_key manage_pipeline
	manage_reindex manage_rollup manage_saml manage_search_application manage_search_query_rules manage_search_synonyms
	manage_security manage_service_account manage_slm manage_token manage_transform manage_user_profile manage_watcher
	monitor monitor_connector monitor_data_frame_transforms monitor_data_stream_global_retention monitor_enrich
	monitor_esql monitor_inference monitor_ml monitor_reindex monitor_rollup monitor_snapshot monitor_stats
	monitor_text_structure monitor_transform monitor_watcher none post_behavioral_analytics_event read_ccr
	read_connector_secrets read_fleet_secrets read_ilm read_pipeline read_security read_slm transport_client
	write_connector_secrets write_fleet_secrets`)

// indexPrivileges are the names that Elasticsearch 9 knows, in order.
var indexPrivileges = ordered(`
	all auto_configure create create_doc create_index create_view cross_cluster_replication
	cross_cluster_replication_internal delete delete_index delete_view index maintenance manage
	manage_data_stream_lifecycle manage_failure_store manage_follow_index manage_ilm manage_leader_index manage_view
	monitor none read read_cross_cluster read_failure_store read_view_metadata view_index_metadata write`)

// failureStorePrivileges cannot be had with indices of other clusters.
var failureStorePrivileges = ordered("manage_failure_store read_failure_store")

// workflows are what an API key can be restricted to.
var workflows = ordered("search_application_analytics search_application_query")

var (
	clusterActions = []string{"cluster:", "indices:admin/template/", "indices:admin/index_template/"}
	indexActions   = []string{"indices:", "internal:transport/proxy/indices:"}
)

func ordered(names string) []string {
	list := strings.Fields(names)
	slices.Sort(list)
	return list
}

// known tells whether a privilege is among the names, or a pattern of actions. Case does not matter.
func known(privilege string, names, actions []string) bool {
	privilege = strings.ToLower(privilege)
	_, found := slices.BinarySearch(names, privilege)
	return found || slices.ContainsFunc(actions, func(prefix string) bool { return strings.HasPrefix(privilege, prefix) })
}
