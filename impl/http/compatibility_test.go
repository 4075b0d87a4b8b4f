package http_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/compatibility"
)

// speaking returns a world that speaks a version of Elasticsearch's API.
func speaking(t *testing.T, elasticsearch string) (*world, compatibility.Elasticsearch) {
	t.Helper()
	version, err := compatibility.FindElasticsearch(elasticsearch)
	if err != nil {
		t.Fatal(err)
	}
	w := openTuned(t, func(s *app.Settings) { s.Compatibility.Elasticsearch = version })
	w.addUsers()
	return w, version
}

// Ensures that clients learn the version that is spoken, and that media types can ask for compatibility with its two
// majors only.
func TestElasticsearchVersion_Announced(t *testing.T) {
	t.Parallel()

	want := map[string]struct {
		number, lucene, wire, index string
		refused                     string
	}{
		"8.19": {"8.19.0", "9.12.2", "7.17.0", "7.0.0", "9"},
		"9.5":  {"9.5.0", "10.5.0", "8.19.0", "8.0.0", "7"},
	}
	if got := compatibility.ElasticsearchVersions(); len(got) != len(want) {
		t.Fatalf("the versions are %v", got)
	}

	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, version := speaking(t, name)
			info, err := w.client.InfoWithResponse(t.Context(), alice)
			if err != nil || info.JSON200 == nil {
				t.Fatalf("%v %s", err, info.Body)
			}
			got := info.JSON200.Version
			if got.Number != want.number || got.LuceneVersion != want.lucene ||
				got.MinimumWireCompatibilityVersion != want.wire || got.MinimumIndexCompatibilityVersion != want.index {
				t.Errorf("%+v", got)
			}
			if product := info.HTTPResponse.Header.Get("X-Elastic-Product"); product != "Elasticsearch" {
				t.Errorf("the product is %q", product)
			}

			const vendor = "application/vnd.elasticsearch+json;compatible-with="
			for _, major := range version.MediaTypes {
				r := w.es(alice, "GET /_security/_authenticate", "", header("Accept", vendor+major))
				if r.ok(); r.response.Header.Get("Content-Type") != vendor+major {
					t.Errorf("%s: the type is %q", major, r.response.Header.Get("Content-Type"))
				}
			}
			w.es(alice, "GET /_security/_authenticate", "", header("Accept", vendor+want.refused)).fails(
				http.StatusBadRequest, "media_type_header_exception", "the Accept header asks for compatibility with…")
			w.es(alice, "PUT /_security/api_key", `{"name":"x"}`, header("Content-Type", vendor+want.refused)).fails(
				http.StatusBadRequest, "media_type_header_exception", "the Content-Type header asks for compatibility with…")
		})
	}
}

// Ensures that each privilege that a version lacks is unknown in it wherever a request names one, and known in the
// others.
func TestElasticsearchVersion_Privileges(t *testing.T) {
	t.Parallel()

	older, lacks := speaking(t, "8.19")
	newer, has := speaking(t, "9.5")
	if has.ClusterPrivileges != nil || has.IndexPrivileges != nil || has.GlobalPrivileges != nil {
		t.Fatalf("the latest version lacks privileges: %+v", has)
	}

	listed := func(w *world) (cluster, index []string) {
		r, err := w.client.SecurityGetBuiltinPrivilegesWithResponse(t.Context(), bob)
		if err != nil || r.JSON200 == nil {
			t.Fatalf("%v %s", err, r.Body)
		}
		return r.JSON200.Cluster, r.JSON200.Index
	}
	olderCluster, olderIndex := listed(older)
	newerCluster, newerIndex := listed(newer)
	check := func(kind, name, descriptor, checked string, olderNames, newerNames []string) {
		t.Helper()
		if slices.Contains(olderNames, name) || !slices.Contains(newerNames, name) {
			t.Errorf("%s: listed as of 8.19: %t, as of 9.5: %t", name, slices.Contains(olderNames, name),
				slices.Contains(newerNames, name))
		}
		const invalid, role = "action_request_validation_exception", "PUT /_security/role/r"
		unknown := "unknown " + kind + " privilege [" + name + "]. a privilege must be…"
		older.es(bob, role, descriptor).fails(http.StatusBadRequest, invalid, "Validation Failed: 1: "+unknown)
		older.es(bob, "PUT /_security/api_key", `{"name":"k","role_descriptors":{"r":`+descriptor+`}}`).fails(
			http.StatusBadRequest, invalid, "Validation Failed: 1: "+unknown)
		older.es(bob, "POST /_security/user/_has_privileges", checked).fails(
			http.StatusBadRequest, "illegal_argument_exception", unknown)

		newer.es(bob, role, descriptor).ok()
		newer.es(bob, "PUT /_security/api_key", `{"name":"k","role_descriptors":{"r":`+descriptor+`}}`).ok()
		newer.es(bob, "POST /_security/user/_has_privileges", checked).ok()
	}

	for _, name := range lacks.ClusterPrivileges {
		document := `{"cluster":["` + name + `"]}`
		check("cluster", name, document, document, olderCluster, newerCluster)
	}
	for _, name := range lacks.IndexPrivileges {
		entry := `[{"names":["a"],"privileges":["` + name + `"]}]`
		check("index", name, `{"indices":`+entry+`}`, `{"index":`+entry+`}`, olderIndex, newerIndex)
	}

	for _, name := range lacks.GlobalPrivileges {
		global := `{"global":{"` + name + `":[{"names":["a"],"privileges":["read"]}]}}`
		for request, body := range map[string]string{
			"PUT /_security/role/g":  global,
			"PUT /_security/api_key": `{"name":"g","role_descriptors":{"g":` + global + `}}`,
		} {
			if r := older.es(bob, request, body); r.response.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d %s", request, r.response.StatusCode, r.body)
			}
			newer.es(bob, request, body).ok()
		}
	}
}

// Ensures that a role with a privilege of a later version stays what it is when an earlier version is spoken, and that
// its holders are not locked out.
func TestElasticsearchVersion_StoredPrivilege(t *testing.T) {
	t.Parallel()

	dsn := newDSN(t)
	w := open(t, dsn)
	w.addUsers()
	w.es(bob, "PUT /_security/role/reindexer", `{"cluster":["manage_reindex","monitor"]}`).ok()
	carol := w.native("carol", "reindexer")

	version, err := compatibility.FindElasticsearch("8.19")
	if err != nil {
		t.Fatal(err)
	}
	older := openWith(t, dsn, w.seen, func(s *app.Settings) { s.Compatibility.Elasticsearch = version })
	older.es(carol, "GET /", "").ok()
	older.es(carol, "GET /_security/role/reindexer", "").fails(http.StatusForbidden, securityDenied, "…")
	if r := older.es(bob, "GET /_security/role/reindexer", ""); r.response.StatusCode != http.StatusOK {
		t.Errorf("%d %s", r.response.StatusCode, r.body)
	}
}
