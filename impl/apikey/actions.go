package apikey

// Elasticsearch's actions on API keys.
const (
	actions          = "cluster:admin/xpack/security/api_key/"
	actionCreate     = actions + "create"
	actionUpdate     = actions + "update"
	actionBulkUpdate = actions + "bulk_update"
	actionGet        = actions + "get"
	actionQuery      = actions + "query"
	actionInvalidate = actions + "invalidate"
)
