package httpapi

import (
	"context"
	"strings"

	"github.com/sallyport/sallyport/gen/server"
)

// What the server tells clients of Elasticsearch about itself. The version is that whose contract it speaks.
const (
	clusterName          = "sallyport"
	elasticsearchVersion = "9.4.0"
	luceneVersion        = "10.4.0"
	oldestWire           = "8.19.0"
	oldestIndex          = "8.0.0"
	buildDate            = "2026-11-21T00:00:00Z"
	unknownHash          = "unknown"
	tagline              = "You Know, for Keys"
)

// Elasticsearch's actions on the cluster.
const (
	actionMain   = "cluster:monitor/main"
	actionHealth = "cluster:monitor/health"
)

// Info implements server.StrictServerInterface.
func (h *handlers) Info(ctx context.Context, _ server.InfoRequestObject) (server.InfoResponseObject, error) {
	if err := subjectOf(ctx).Require(actionMain); err != nil {
		return nil, err
	}
	account, err := h.Accounts.Get(ctx)
	return server.Info200JSONResponse{AboutClusterJSONResponse: server.AboutClusterJSONResponse{
		Name: clusterName, ClusterName: clusterName, ClusterUUID: account.ID, Tagline: tagline,
		Version: server.ClusterVersion{
			Number: elasticsearchVersion, BuildFlavor: "default", BuildType: "tar", BuildHash: unknownHash, BuildDate: buildDate,
			LuceneVersion: luceneVersion, MinimumWireCompatibilityVersion: oldestWire, MinimumIndexCompatibilityVersion: oldestIndex,
		},
	}}, err
}

// Ping implements server.StrictServerInterface.
func (h *handlers) Ping(ctx context.Context, _ server.PingRequestObject) (server.PingResponseObject, error) {
	return server.Ping200Response{}, subjectOf(ctx).Require(actionMain)
}

// ClusterHealth implements server.StrictServerInterface. The server keeps no shards, so whoever can ask finds it well.
func (h *handlers) ClusterHealth(ctx context.Context, _ server.ClusterHealthRequestObject) (server.ClusterHealthResponseObject, error) {
	return server.ClusterHealth200JSONResponse{HealthOfClusterJSONResponse: server.HealthOfClusterJSONResponse{
		ClusterName: clusterName, Status: server.ClusterStatusGreen, NumberOfNodes: 1, NumberOfDataNodes: 1, ActiveShardsPercentAsNumber: 100,
	}}, subjectOf(ctx).Require(actionHealth)
}

// SecurityClearAPIKeyCache implements server.StrictServerInterface. What the server remembers of keys is never older than
// the keys, so there is nothing to clear.
func (h *handlers) SecurityClearAPIKeyCache(ctx context.Context, _ server.SecurityClearAPIKeyCacheRequestObject) (server.SecurityClearAPIKeyCacheResponseObject, error) {
	if err := subjectOf(ctx).Require(actionClearCache); err != nil {
		return nil, err
	}
	account, err := h.Accounts.Get(ctx)
	return server.SecurityClearAPIKeyCache200JSONResponse{CacheClearedJSONResponse: server.CacheClearedJSONResponse{
		NodeCounts: server.NodeCounts{Total: 1, Successful: 1}, ClusterName: clusterName,
		Nodes: server.NodeNames{account.ID: {Name: clusterName}},
	}}, err
}

const actionClearCache = "cluster:admin/xpack/security/api_key/clear_cache"

// list takes apart a comma list of names in a path, which * stands for all of; nil is all.
func list(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		switch name = strings.TrimSpace(name); name {
		case "*", "_all":
			return nil
		case "":
		default:
			names = append(names, name)
		}
	}
	return names
}
