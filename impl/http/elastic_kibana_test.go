package http_test

import (
	"net/http"
	"testing"
	"time"
)

// Ensures that the requests of Kibana's page of API keys are answered as by Elasticsearch: its probes for what the
// server has, its queries with each filter, the counts beside them, and what it does with a key.
func TestKibana_APIKeys(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("security_admin", `{"cluster":["manage_security"]}`)
	admin := w.native("kay", "security_admin")
	owner := w.native("oscar", "security_admin")

	plain := w.esKey(admin, `{"name":"plain","expiration":"1d"}`)
	w.esKey(owner, `{"name":"of oscar"}`)
	w.esKey(owner, `{"name":"Alerting: rule 1"}`)
	w.esKey(owner, `{"name":"marked","metadata":{"managed":true}}`)
	w.crossClusterKey(admin, `{"name":"remote","access":{"search":[{"names":["logs-*"]}]}}`)
	w.esKey(admin, `{"name":"short","expiration":"1h"}`)
	gone := w.esKey(admin, `{"name":"gone"}`)
	w.es(admin, "DELETE /_security/api_key", `{"ids":["`+gone.id+`"]}`).ok()
	w.clock.advance(2 * time.Hour)

	t.Run("probes", func(t *testing.T) {
		w := w.in(t)
		w.es(admin, "POST /_security/user/_has_privileges",
			`{"cluster":["manage_security","read_security","manage_api_key","manage_own_api_key"]}`).is(http.StatusOK,
			`{"username":"kay","has_all_requested":true,"cluster":{"manage_security":true,"read_security":true,
			"manage_api_key":true,"manage_own_api_key":true},"index":{},"application":{}}`)

		const unknown = "kibana-api-key-service-test"
		w.es(admin, "DELETE /_security/api_key", `{"ids":["`+unknown+`"]}`).is(http.StatusOK,
			`{"invalidated_api_keys":[],"previously_invalidated_api_keys":[],"error_count":0}`)
		w.es(admin, "PUT "+crossCluster+"/"+unknown, `{}`).fails(http.StatusBadRequest, requestInvalid, "…")
	})

	const (
		alive    = `{"term":{"invalidated":false}}`
		alerting = `{"prefix":{"name":{"value":"Alerting: "}}}`
		managed  = `{"term":{"metadata.managed":true}}`
		unended  = `{"bool":{"must":[{"bool":{"should":[{"range":{"expiration":{"gt":"now"}}},
			{"bool":{"must_not":{"exists":{"field":"expiration"}}}}],"minimum_should_match":1}}]}}`
		search = `{"bool":{"must":[{"simple_query_string":{"query":"plain* remote*","fields":["name","username"]}}]}}`
	)
	for name, query := range map[string]struct{ must, mustNot, want string }{
		"all":           {alive, "", "Alerting: rule 1 marked of oscar plain remote short"},
		"managed":       {alive + `,{"bool":{"should":[` + alerting + `,` + managed + `]}}`, "", "Alerting: rule 1 marked"},
		"rest":          {alive + `,{"term":{"type":"rest"}}`, alerting + `,` + managed, "of oscar plain short"},
		"cross-cluster": {alive + `,{"term":{"type":"cross_cluster"}}`, alerting + `,` + managed, "remote"},
		"active":        {alive + `,` + unended, "", "Alerting: rule 1 marked of oscar plain remote"},
		"expired":       {alive + `,{"range":{"expiration":{"lte":"now"}}}`, "", "short"},
		"of users":      {alive + `,{"terms":{"username":["oscar"]}}`, "", "Alerting: rule 1 marked of oscar"},
		"search":        {search + `,` + alive, "", "plain remote"},
	} {
		t.Run("query/"+name, func(t *testing.T) {
			w := w.in(t)
			answer := w.es(admin, "POST /_security/_query/api_key", `{
				"query": {"bool": {"must": [`+query.must+`], "should": [], "must_not": [`+query.mustNot+`]}},
				"sort": [{"name": {"order": "asc"}}, {"creation": {"order": "asc"}}],
				"size": 25
			}`).ok()
			if got := names(answer); got != query.want {
				t.Errorf("found %s, want %s", got, query.want)
			}
		})
	}

	t.Run("counts", func(t *testing.T) {
		w := w.in(t)
		const paths = "total,aggregations.usernames.buckets.key,aggregations.types.buckets.key," +
			"aggregations.invalidated.doc_count,aggregations.expired.doc_count," +
			"aggregations.managed.buckets.metadataBased.doc_count,aggregations.managed.buckets.namePrefixBased.doc_count"
		w.es(admin, "POST /_security/_query/api_key?filter_path="+paths, `{
			"size": 0,
			"query": {"match": {"invalidated": false}},
			"aggs": {
				"usernames": {"terms": {"field": "username"}},
				"types": {"terms": {"field": "type"}},
				"expired": {"filter": {"range": {"expiration": {"lte": "now"}}}},
				"managed": {"filters": {"filters": {"metadataBased": `+managed+`, "namePrefixBased": `+alerting+`}}}
			}
		}`).is(http.StatusOK, `{"total":6,"aggregations":{
			"usernames":{"buckets":[{"key":"kay"},{"key":"oscar"}]},
			"types":{"buckets":[{"key":"rest"},{"key":"cross_cluster"}]},
			"expired":{"doc_count":1},
			"managed":{"buckets":{"metadataBased":{"doc_count":1},"namePrefixBased":{"doc_count":1}}}}}`)
	})

	t.Run("pages", func(t *testing.T) {
		w := w.in(t)
		page := func(after string) map[string]any {
			return w.es(admin, "POST /_security/_query/api_key", `{"query":{"bool":{"must":[`+alive+`]}},"size":4,
				"sort":[{"creation":{"order":"desc"}},{"name":{"order":"asc"}}]`+after+`}`).ok()
		}
		first := page("")
		keys, _ := first["api_keys"].([]any)
		last, _ := keys[len(keys)-1].(map[string]any)
		second := page(`,"search_after":` + asJSON(last["_sort"]))
		if got := names(first) + " | " + names(second); got != "Alerting: rule 1 marked of oscar plain | remote short" {
			t.Errorf("the pages are %s", got)
		}
	})

	t.Run("a key", func(t *testing.T) {
		w := w.in(t)
		w.es(admin, "PUT /_security/api_key/"+plain.id, `{"role_descriptors":{},"metadata":{"team":"a"}}`).is(http.StatusOK,
			`{"updated":true}`)
		w.es(admin, "DELETE /_security/api_key", `{"ids":["`+plain.id+`"],"owner":true}`).is(http.StatusOK,
			`{"invalidated_api_keys":["`+plain.id+`"],"previously_invalidated_api_keys":[],"error_count":0}`)
	})
}

// Ensures that the requests of Kibana's server for user profiles are answered as by Elasticsearch: the activation at a
// sign-in, the profiles of the owners of API keys with their avatars, settings that a user saves, suggestions of users
// for an assignment with the privileges that it needs.
func TestKibana_Profiles(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("kibana_server", `{"cluster":["manage_user_profile","manage_security"]}`)
	w.role("analyst", `{"cluster":["manage_own_api_key"],"applications":[{"application":"kibana-.kibana",
		"privileges":["feature_cases.all"],"resources":["space:default"]}]}`)
	kibana := w.native("kibana-server", "kibana_server")
	kay, oscar := w.native("kay", "analyst"), w.native("oscar")
	uids := map[string]string{}
	for _, name := range []string{"kay", "oscar"} {
		body := `{"grant_type":"access_token","access_token":"` + w.login(name, passwordOf(name)) + `"}`
		uids[name], _ = w.es(kibana, "POST "+profilePath+"_activate", body).ok()["uid"].(string)
	}
	w.esKey(kay, `{"name":"of kay"}`)
	w.role("keeping", `{"cluster":["manage_own_api_key"]}`)
	w.es(bob, "PUT /_security/user/oscar", `{"roles":["keeping"],"full_name":"Oscar O."}`).ok()
	w.esKey(oscar, `{"name":"of oscar"}`)

	const avatar = `{"kibana":{"avatar":{"initials":"K","color":"#fff"}}}`
	w.es(kibana, "POST "+profilePath+uids["kay"]+"/_data", `{"data":`+avatar+`}`).ok()
	w.es(kibana, "POST "+profilePath+uids["kay"]+"/_data",
		`{"data":{"kibana":{"userSettings":{"darkMode":"dark"}}}}`).ok()

	t.Run("keys", func(t *testing.T) {
		w := w.in(t)
		answer := w.es(kibana, "POST /_security/_query/api_key?with_profile_uid=true",
			`{"query":{"bool":{"must":[{"term":{"invalidated":false}}]}},"sort":[{"name":{"order":"asc"}}],"size":25}`).ok()
		keys, _ := answer["api_keys"].([]any)
		var owners []any
		for _, each := range keys {
			key, _ := each.(map[string]any)
			owners = append(owners, key["profile_uid"])
		}
		if got, want := asJSON(owners), asJSON([]string{uids["kay"], uids["oscar"]}); got != want {
			t.Errorf("the owners are %s, want %s", got, want)
		}
	})
	t.Run("bulk get", func(t *testing.T) {
		w := w.in(t)
		w.es(kibana, "GET "+profilePath+uids["oscar"]+"%2C"+uids["kay"]+"?data=kibana.avatar&filter_path=profiles.uid,"+
			"profiles.user.username,profiles.user.full_name,profiles.data,profiles.enabled", "").is(http.StatusOK,
			`{"profiles":[{"uid":"`+uids["oscar"]+`","enabled":true,"user":{"username":"oscar","full_name":"Oscar O."},
			"data":{}},{"uid":"`+uids["kay"]+`","enabled":true,"user":{"username":"kay"},"data":`+avatar+`}]}`)
	})
	t.Run("current user", func(t *testing.T) {
		profiles, _ := w.in(t).es(kibana, "GET "+profilePath+uids["kay"]+"?data=kibana.*", "").ok()["profiles"].([]any)
		profile, _ := profiles[0].(map[string]any)
		if got, want := asJSON(profile["data"]), spelled(t, `{"kibana":{"avatar":{"initials":"K","color":"#fff"},
			"userSettings":{"darkMode":"dark"}}}`); got != want {
			t.Errorf("the data is %s, want %s", got, want)
		}
	})
	t.Run("suggest", func(t *testing.T) {
		w := w.in(t)
		answer := w.es(kibana, "POST "+profilePath+"_suggest", `{"name":"","size":10,"data":"kibana.avatar",
			"hint":{"uids":["`+uids["kay"]+`"]}}`).ok()
		var found []string
		profiles, _ := answer["profiles"].([]any)
		for _, each := range profiles {
			profile, _ := each.(map[string]any)
			uid, _ := profile["uid"].(string)
			found = append(found, uid)
		}
		w.es(kibana, "POST "+profilePath+"_has_privileges", `{"uids":`+asJSON(found)+`,"privileges":{"application":[{
			"application":"kibana-.kibana","resources":["space:default"],"privileges":["feature_cases.all"]}]}}`).
			is(http.StatusOK, `{"has_privilege_uids":["`+uids["kay"]+`"]}`)
		if len(found) != 2 || found[0] != uids["kay"] {
			t.Errorf("suggested are %v", found)
		}
	})
}
