package elastic

import (
	"context"
	"net/http"
	"strings"

	gen "github.com/sallyport/sallyport/gen/elastic"
)

// The server's description of itself, beside the version of the API that it serves.
const (
	clusterName = "sallyport"
	buildDate   = "2026-11-21T00:00:00Z"
	unknownHash = "unknown"
	tagline     = "You Know, for Keys"
)

func (a *API) clusterOperations() []operation {
	return []operation{
		row[none, gen.ClusterInfo]{
			operations: []string{"info"},
			read:       readNothing,
			do:         a.clusterInfo,
			show:       okay[gen.ClusterInfo],
		},
		row[none, none]{
			operations: []string{"ping"},
			read:       readNothing,
			do:         doNothing,
			show:       func(none) (response, error) { return response{status: http.StatusOK}, nil },
		},
		row[none, none]{
			operations: []string{"cluster-health"},
			read:       readNothing,
			do:         doNothing,
			show:       func(none) (response, error) { return ok(health) },
		},
		row[none, gen.SecurityStats]{
			operations: []string{"security-get-stats"},
			read:       readNothing,
			do:         a.securityStats,
			show:       okay[gen.SecurityStats],
		},
		row[none, none]{
			operations: []string{"security-get-settings"},
			read:       readNothing,
			do:         doNothing,
			show:       func(none) (response, error) { return ok(settings) },
		},
		row[none, gen.ClearCacheResponse]{
			operations: []string{
				"security-clear-api-key-cache", "security-clear-privilege-cache", "security-clear-realm-cache",
				"security-clear-role-cache", "security-clear-service-token-cache",
			},
			read: readNothing,
			do:   a.clearCache,
			show: okay[gen.ClearCacheResponse],
		},
	}
}

// settings are those of indices, which do not exist.
var settings = gen.SecuritySettings{
	Security:        gen.EmptyResponse{},
	SecurityProfile: gen.EmptyResponse{},
	SecurityTokens:  gen.EmptyResponse{},
}

// health is always green: the server has no shards, so any server that answers is healthy.
var health = gen.ClusterHealth{
	ClusterName:                 clusterName,
	Status:                      gen.ClusterStatusGreen,
	NumberOfNodes:               1,
	NumberOfDataNodes:           1,
	ActiveShardsPercentAsNumber: 100,
}

func (a *API) clusterInfo(ctx context.Context, _ call, _ none) (gen.ClusterInfo, error) {
	account, err := a.Accounts.Get(ctx)
	return gen.ClusterInfo{
		Name:        clusterName,
		ClusterName: clusterName,
		ClusterUUID: account.ID,
		Tagline:     tagline,
		Version: gen.ClusterVersion{
			Number:                           a.Speaks.Number,
			BuildFlavor:                      "default",
			BuildType:                        "tar",
			BuildHash:                        unknownHash,
			BuildDate:                        buildDate,
			LuceneVersion:                    a.Speaks.Lucene,
			MinimumWireCompatibilityVersion:  a.Speaks.MinimumWire,
			MinimumIndexCompatibilityVersion: a.Speaks.MinimumIndex,
		},
	}, err
}

// securityStats returns zeros: there are no documents, and so no cache of them.
func (a *API) securityStats(ctx context.Context, _ call, _ none) (gen.SecurityStats, error) {
	account, err := a.Accounts.Get(ctx)
	empty := gen.DocumentSecurityStats{BitSetCache: gen.BitSetCacheStats{Memory: "0b"}}
	return gen.SecurityStats{
		Nodes: map[string]gen.NodeSecurityStats{account.ID: {Roles: gen.RolesStats{Dls: empty}}},
	}, err
}

// clearCache has nothing to clear: what is cached is never older than what is stored.
func (a *API) clearCache(ctx context.Context, _ call, _ none) (gen.ClearCacheResponse, error) {
	account, err := a.Accounts.Get(ctx)
	return gen.ClearCacheResponse{
		NodeCounts:  gen.NodeCounts{Total: 1, Successful: 1},
		ClusterName: clusterName,
		Nodes:       gen.NodeNames{account.ID: {Name: clusterName}},
	}, err
}

// list splits a comma-separated list of names in a path; nil, for all, if it holds * or _all.
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
