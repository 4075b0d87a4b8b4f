package costtest

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // data of old versions is written directly to the file
)

// maxMetadata is the limit of a key's metadata, and storedDepth how deep versions before the limit of nesting let it
// be.
const (
	maxMetadata = 64 << 10
	storedDepth = 9_900
)

// callers are the kinds of callers, by name.
type callers map[string]http.Header

func basic(name, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}}
}

// admin is the built-in user, which has all permissions and owns no keys.
var admin = basic("admin", "admin's own passphrase")

const password = "a passphrase of the cost test"

// world is a server with data at its limits, and callers of it.
type world struct {
	*probe
	callers callers
	// values are what parameters of paths and queries stand for.
	values map[string]string
}

// newWorld fills a database. Its documents have a share of what the limits allow.
func newWorld(tb testing.TB, share float64) *world {
	tb.Helper()
	w := &world{
		probe:   startProbe(tb, filepath.Join(tb.TempDir(), "cost.db")),
		callers: callers{"unauthenticated": {}},
		values: map[string]string{"user_name": "owner", "user_id": "owner", "username": "owner", "name": "broad",
			"application": "shop", "privilege": "p1", "realms": "default_native", "realm_name": "corporate",
			"namespace": "elastic", "service": "fleet-server"},
	}

	w.must(http.MethodPut, "/_security/role/own_keys", admin, `{"cluster":["manage_own_api_key"]}`)
	w.must(http.MethodPut, "/_security/role/broad", admin, broadRole(share))
	w.must(http.MethodPut, "/_security/role/patterns", admin,
		`{"cluster":["manage_own_api_key"],"indices":[{"names":["/.*a.{8}/","logs-*-*-*"],"privileges":["read",`+
			`"indices:data/*/x*"]}]}`)
	w.must(http.MethodPut, "/_security/privilege", admin, privileges(share))
	w.user("root", `"superuser","ece_platform_admin"`)
	w.user("roleless", ``)
	w.user("owner", `"own_keys"`)
	w.user("broad", `"own_keys","broad","patterns"`)
	for i := range int(100 * share) {
		w.user(fmt.Sprintf("user%d", i), `"broad"`)
	}

	for _, name := range []string{"owner", "root"} {
		for i := range storedShapes(share) {
			key := w.must(http.MethodPost, "/_security/api_key", w.callers[name],
				fmt.Sprintf(`{"name":"key%d","role_descriptors":{"a":{"cluster":["manage_own_api_key"]}},`+
					`"metadata":{}}`, i))
			encoded, _ := key["encoded"].(string)
			w.values["api_key_id"], _ = key["id"].(string)
			w.callers["key of "+name] = http.Header{"Authorization": {"ApiKey " + encoded}}
		}
	}
	delete(w.callers, "key of root")
	w.values["id"], w.values["ids"] = w.values["api_key_id"], w.values["api_key_id"]
	token, _ := w.must(http.MethodPost, "/api/v1/users/auth/_login", nil,
		`{"username":"owner","password":"`+password+`"}`)["token"].(string)
	activated := w.must(http.MethodPost, "/_security/profile/_activate", admin,
		`{"grant_type":"password","username":"owner","password":"`+password+`"}`)
	w.values["uid"], _ = activated["uid"].(string)
	w.callers["session of owner"] = http.Header{"Authorization": {"Bearer " + token}}
	w.save(func(path string) { storeMetadata(tb, path, share) })
	return w
}

// user adds a user with roles.
func (w *world) user(name, roles string) {
	w.tb.Helper()
	w.must(http.MethodPut, "/_security/user/"+name, admin, fmt.Sprintf(`{"password":%q,"roles":[%s],"metadata":{}}`,
		password, roles))
	w.callers[name] = basic(name, password)
	if strings.HasPrefix(name, "user") {
		delete(w.callers, name)
	}
}

// broadRole is a role with many privileges, none of which is a pattern that is costly to compile.
func broadRole(share float64) string {
	var entries, applications []string
	for i := range int(400 * share) {
		entries = append(entries, fmt.Sprintf(`{"names":["index-%d"],"privileges":["read"]}`, i))
		applications = append(applications,
			fmt.Sprintf(`{"application":"shop","privileges":["p%d"],"resources":["r%d"]}`, i, i))
	}
	return `{"indices":[` + strings.Join(entries, ",") + `],"applications":[` + strings.Join(applications, ",") + `]}`
}

// privileges are those of an application.
func privileges(share float64) string {
	var members []string
	for i := range int(200 * share) {
		members = append(members, fmt.Sprintf(`"p%d":{"actions":["data:read/%d/*"],"metadata":{"a":[1,2,3]}}`, i, i))
	}
	return `{"shop":{` + strings.Join(members, ",") + `}}`
}

// storedShapes are documents of metadata in each shape, as large as the limit allows, or as deep as old versions did.
// Their order is the same in each world, so that callers with the last key compare the same shape.
func storedShapes(share float64) []string {
	n, depth := int(maxMetadata*share)-64, int(storedDepth*share)
	return []string{
		`{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`,
		strings.Repeat(`{"a":`, depth) + `1` + strings.Repeat(`}`, depth),
		`{"a":"` + strings.Repeat("a", n) + `"}`,
		`{"a":[` + strings.TrimSuffix(strings.Repeat("1,", n/2), ",") + `]}`,
		`{"a":[` + strings.TrimSuffix(strings.Repeat(`"ab",`, n/5), ",") + `]}`,
		`{` + members(n, func(int) string { return "1" }) + `}`,
	}
}

// storeMetadata writes metadata where the server would refuse it today.
func storeMetadata(tb testing.TB, path string, share float64) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // what was written was committed
	for i, metadata := range storedShapes(share) {
		for statement, name := range map[string]string{
			"UPDATE api_keys SET metadata = $1 WHERE description = $2": fmt.Sprintf("key%d", i),
			"UPDATE users SET metadata = $1 WHERE name = $2":           fmt.Sprintf("user%d", i),
		} {
			if _, err := db.ExecContext(tb.Context(), statement, metadata, name); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// members are members of an object with different names, about n bytes in all.
func members(n int, value func(i int) string) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `"m%d":%s`, i, value(i))
	}
	return text.String()
}
