package interop

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/elastic/go-elasticsearch/v9/typedapi/security/bulkupdateapikeys"
	"github.com/elastic/go-elasticsearch/v9/typedapi/security/createapikey"
	"github.com/elastic/go-elasticsearch/v9/typedapi/security/queryapikeys"
	"github.com/elastic/go-elasticsearch/v9/typedapi/types"
	"github.com/elastic/go-elasticsearch/v9/typedapi/types/enums/clusterprivilege"
)

// Ensures that a program with the types of version 9 finds the expected values in them.
func TestByHand_V9(t *testing.T) {
	t.Parallel()
	s, ctx := newTypedV9(t, owner()).Security, t.Context()
	name, run := "by hand", strconv.FormatInt(runs.Add(1), 10)
	made, err := s.CreateApiKey().Request(&createapikey.Request{
		Name: &name, Metadata: types.Metadata{"run": json.RawMessage(`"` + run + `"`)},
		RoleDescriptors: map[string]types.RoleDescriptor{
			"r": {Cluster: []clusterprivilege.ClusterPrivilege{clusterprivilege.Monitor}},
		},
	}).Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	bulk, err := s.BulkUpdateApiKeys().Request(&bulkupdateapikeys.Request{
		Ids: []string{made.Id, "nowhere"}, Expiration: "2d",
	}).Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(bulk.Updated, []string{made.Id}) || len(bulk.Noops) != 0 || bulk.Errors.Count != 1 ||
		bulk.Errors.Details["nowhere"].Type != "resource_not_found_exception" {
		t.Errorf("bulk update: %+v", bulk)
	}

	field := "metadata.run"
	query := queryapikeys.Request{
		Query:        &types.ApiKeyQueryContainer{Term: map[string]types.TermQuery{field: {Value: run}}},
		Aggregations: map[string]types.ApiKeyAggregationContainer{"runs": {Terms: &types.TermsAggregation{Field: &field}}},
	}
	found, err := s.QueryApiKeys().Request(&query).WithLimitedBy(true).Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if found.Total != 1 || *found.ApiKeys[0].Expiration <= found.ApiKeys[0].Creation ||
		found.ApiKeys[0].LimitedBy[0]["ece_platform_admin"].RunAs[0] != "*" {
		t.Fatalf("query: %+v", found)
	}
	runs, ok := found.Aggregations["runs"].(*types.StringTermsAggregate)
	if !ok {
		t.Fatalf("aggregation: %#v", found.Aggregations["runs"])
	}
	if buckets, _ := runs.Buckets.([]types.StringTermsBucket); len(buckets) != 1 || buckets[0].Key != run ||
		buckets[0].DocCount != 1 {
		t.Errorf("aggregation: %+v", runs)
	}

	var failure *types.ElasticsearchError
	_, err = s.BulkUpdateApiKeys().Ids(made.Id).Header("es-security-runas-user", "missing").ErrorTrace(true).Do(ctx)
	if !errors.As(err, &failure) || failure.Status != 403 || failure.ErrorCause.Type != "security_exception" ||
		failure.ErrorCause.Reason == nil || failure.ErrorCause.StackTrace == nil {
		t.Errorf("running as an unknown user: %v", err)
	}
	// An unknown operation, which Elasticsearch reports in another format.
	if _, err := s.EnrollNode().Do(ctx); !errors.As(err, &failure) || failure.Status != 400 ||
		failure.ErrorCause.Reason == nil {
		t.Errorf("an unknown operation: %v", err)
	}
}
