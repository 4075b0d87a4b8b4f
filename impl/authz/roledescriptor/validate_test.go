package roledescriptor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authz/privilege"
)

const (
	unknownCluster = "unknown cluster privilege [%s]. a privilege must be either one of the predefined cluster " +
		"privilege names [all,cancel_task,"
	clusterEnd   = ",write_fleet_secrets] or a pattern over one of the available cluster actions"
	unknownIndex = "unknown index privilege [%s]. a privilege must be either one of the predefined fixed indices " +
		"privileges [all,auto_configure,"
	indexEnd       = ",write] or a pattern over one of the available index actions"
	badApplication = "[%s] is not the name of an application, which is a lower-case letter"
	badPrivilege   = "[%s] is neither the name of an application privilege"
	workflowList   = "Unknown workflow [%s]. A workflow must be one of the predefined workflow names " +
		"[search_application_query,search_application_analytics]."
)

// Ensures that every validation error has its message, and that valid descriptors have none.
func TestValidate_Messages(t *testing.T) {
	for given, want := range map[string]string{
		`{}`: "",
		`{"cluster":["all","MANAGE_Own_Api_Key","none","manage_connector","cluster:monitor/main","Cluster:*","indices:admin/template/get","indices:admin/index_template/*"]}`: "",
		`{"cluster":["no_such"]}`:                  fmt.Sprintf(unknownCluster, "no_such"),
		`{"cluster":["*"]}`:                        fmt.Sprintf(unknownCluster, "*"),
		`{"cluster":[""]}`:                         fmt.Sprintf(unknownCluster, ""),
		`{"cluster":["indices:data/read/search"]}`: fmt.Sprintf(unknownCluster, "indices:data/read/search"),
		`{"cluster":["manage_project_routing"]}`:   "",
		`{"cluster":[" all"]}`:                     fmt.Sprintf(unknownCluster, " all"),

		`{"indices":[{"names":"a","privileges":["read","WRITE","read_failure_store","indices:data/read/*","internal:transport/proxy/indices:x"]}]}`: "",
		`{"indices":[{"names":"a","privileges":["cluster:monitor"]}]}`:                                                                              fmt.Sprintf(unknownIndex, "cluster:monitor"),
		`{"remote_indices":[{"names":"a","privileges":["reed"],"clusters":"c"}]}`:                                                                   fmt.Sprintf(unknownIndex, "reed"),
		`{"remote_indices":[{"names":"a","privileges":["Read_Failure_Store"],"clusters":"c"}]}`:                                                     "failure store privilege [Read_Failure_Store] is not allowed for remote indices",
		`{"remote_indices":[{"names":"a","privileges":["manage_failure_store"],"clusters":["c"]}]}`:                                                 "failure store privilege [manage_failure_store] is not allowed for remote indices",

		`{"applications":[{"application":"App","privileges":["p"],"resources":["*"]}]}`:                                                                  fmt.Sprintf(badApplication, "App"),
		`{"applications":[{"application":"ab","privileges":["p"],"resources":["*"]}]}`:                                                                   fmt.Sprintf(badApplication, "ab"),
		`{"applications":[{"application":"abc\n","privileges":["p"],"resources":["*"]}]}`:                                                                fmt.Sprintf(badApplication, "abc\n"),
		`{"applications":[{"application":"a*c","privileges":["p"],"resources":["*"]}]}`:                                                                  fmt.Sprintf(badApplication, "a*c"),
		`{"applications":[{"application":"abc","privileges":["Pr"],"resources":["*"]}]}`:                                                                 fmt.Sprintf(badPrivilege, "Pr"),
		`{"applications":[{"application":"abc","privileges":[""],"resources":["*"]}]}`:                                                                   fmt.Sprintf(badPrivilege, ""),
		`{"applications":[{"application":"abc","privileges":["p q"],"resources":["*"]}]}`:                                                                fmt.Sprintf(badPrivilege, "p q"),
		`{"applications":[{"application":"*","privileges":["*","a.b-C_1","data:read/*","x/y","\n:"],"resources":[""]}]}`:                                 "",
		`{"applications":[{"application":"a*","privileges":["p"],"resources":["*"]},{"application":"kibana-.x*","privileges":["p"],"resources":["*"]}]}`: "",
		`{"applications":[{"application":"abc-B_.9","privileges":["p"],"resources":["*"]}]}`:                                                             "",

		`{"metadata":{"_a":1,"_b":2,"c":{"_d":1}}}`: "role descriptor metadata keys may not start with [_]",
		`{"metadata":{"c":{"_d":1}}}`:               "",
		`{"restriction":{"workflows":[" Search_Application_QUERY ","search_application_analytics"]}}`: "",
		`{"restriction":{"workflows":["w"]}}`:                 fmt.Sprintf(workflowList, "w"),
		`{"description":"` + strings.Repeat("ü", 1000) + `"}`: "",
		`{"description":"` + strings.Repeat("d", 1001) + `"}`: "Role description must be less than 1000 characters.",
	} {
		d, err := Parse("x", decode(t, given), everything)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		got := Validate(Set{"x": d}, privilege.Names{})
		if want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || want == "" || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: %q; want %q", given, got, want)
		}
		for begin, end := range map[string]string{"unknown c": clusterEnd, "unknown i": indexEnd} {
			if len(got) > 0 && strings.HasPrefix(got[0], begin) && !strings.HasSuffix(got[0], end) {
				t.Errorf("%s: %q; want %q at the end", given, got, end)
			}
		}
	}
}

// Ensures that messages have a fixed order, and that their number is bounded.
func TestValidate_OrderAndBound(t *testing.T) {
	bad := Descriptor{
		Cluster:      []string{"c1", "c2"},
		Indices:      []IndexPrivileges{{Privileges: []string{"i1"}}},
		Applications: []ApplicationPrivileges{{Application: "!", Privileges: []string{"!"}}},
		RunAs:        []string{"/("},
		Metadata:     map[string]any{"_": nil},
		Restriction:  Restriction{[]string{"w"}},
		Description:  strings.Repeat("d", 1001),
	}
	var got []string
	for _, message := range Validate(Set{"b": {Cluster: []string{"last"}}, "a": bad, "c": {}}, privilege.Names{}) {
		words := strings.Fields(message)
		got = append(got, strings.Join(words[:min(4, len(words))], " "))
	}
	want := []string{
		"unknown cluster privilege [c1].", "unknown cluster privilege [c2].", "unknown index privilege [i1].",
		"[!] is not the",
		"the pattern [/(] begins", "role descriptor metadata keys", "Unknown workflow [w]. A", "Role description must be",
		"unknown cluster privilege [last].",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := len(Validate(Set{"x": {Cluster: make([]string, 10_000)}}, privilege.Names{})); got != maxMessages {
		t.Errorf("%d messages; want %d", got, maxMessages)
	}
}

// Ensures that a restricted descriptor must be the only one, and that an owner has none.
func TestCheckRestrictions(t *testing.T) {
	restricted := Descriptor{Restriction: Restriction{[]string{"search_application_query"}}}
	for _, c := range []struct {
		set          Set
		check, owner string
	}{
		{nil, "", ""},
		{Set{"a": {}, "b": {}}, "", ""},
		{Set{"a": restricted}, "", "owner user role descriptors must not include restriction"},
		{Set{"a": restricted, "b": restricted}, "more than one role descriptor with restriction is not supported",
			"owner user role descriptors must not include restriction"},
		{Set{"a": restricted, "b": {}}, "combining role descriptors with and without restriction is not supported",
			"owner user role descriptors must not include restriction"},
		{Set{"a": restricted, "b": {}, "c": restricted}, "more than one role descriptor with restriction is not supported",
			"owner user role descriptors must not include restriction"},
	} {
		for want, err := range map[string]error{"set:" + c.check: CheckRestrictions(c.set),
			"own:" + c.owner: CheckOwner(c.set)} {
			if want = want[4:]; want != "" {
				wantError(t, "", err, iae, want)
			} else if err != nil {
				t.Errorf("%v: %v", c.set, err)
			}
		}
	}
}

// Ensures that descriptors that are expensive to check and to store are refused immediately, with one message.
func TestValidate_TooLarge(t *testing.T) {
	many := func(text string) []string {
		texts := make([]string, 100_000/len(text))
		for i := range texts {
			texts[i] = text
		}
		return texts
	}
	names := func(texts []string) IndexPrivileges {
		return IndexPrivileges{Names: texts, Privileges: []string{"read"}}
	}
	descriptors := Set{}
	for i := range 20_000 {
		descriptors[strconv.Itoa(i)] = Descriptor{}
	}
	for name, set := range map[string]Set{
		"regular expressions": {"r": {Indices: []IndexPrivileges{names(many("/a{500}b/"))}}},
		"wildcards":           {"r": {Indices: []IndexPrivileges{names(many("*a*"))}}},
		"names":               {"r": {Indices: []IndexPrivileges{names(many("a"))}}},
		"remote indices":      {"r": {RemoteIndices: []RemoteIndexPrivileges{{IndexPrivileges: names(many("*a*"))}}}},
		"privileges":          {"r": {Indices: []IndexPrivileges{{Names: []string{"a"}, Privileges: many("x")}}}},
		"cluster privileges":  {"r": {Cluster: many("x")}},
		"run as":              {"r": {RunAs: many("*a*")}},
		"resources": {"r": {Applications: []ApplicationPrivileges{{Application: "app", Privileges: []string{"p"},
			Resources: many("*a*")}}}},
		"several": {
			"a": {RunAs: many("*a*")[:2000]}, "b": {RunAs: many("*a*")[:2000]},
		},
		"descriptors": descriptors,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			messages := Validate(set, privilege.Names{})
			if len(messages) != 1 || !strings.Contains(messages[0], "too large") || len(messages[0]) > 400 {
				t.Errorf("%.200q", messages)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("refused after %s", took)
			}
		})
	}
	large := Set{"r": {Indices: []IndexPrivileges{names(many("/a{500}b/")[:20]), names(many("*a*")[:500])}}}
	if messages := Validate(large, privilege.Names{}); len(messages) > 0 {
		t.Errorf("a large role: %q", messages)
	}
}
