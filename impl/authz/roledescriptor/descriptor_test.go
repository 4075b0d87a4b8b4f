package roledescriptor

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// Ensures that the canonical form does not change: documents are stored under its hash.
func TestCanonical_Golden(t *testing.T) {
	set := Set{
		"b": {},
		"a": {
			Cluster: []string{"z<", "a"},
			Indices: []IndexPrivileges{{Names: []string{"i"}, Privileges: []string{"read"},
				FieldSecurity: &FieldSecurity{Grant: []string{"f"}, Except: []string{}}, Query: `{"a":1}`}},
			Applications: []ApplicationPrivileges{{"app", []string{"p"}, []string{"*"}}},
			RunAs:        []string{"u"},
			Global:       map[string]any{"profile": map[string]any{"write": map[string]any{"applications": []any{"x"}}}},
			RemoteIndices: []RemoteIndexPrivileges{{[]string{"c"},
				IndexPrivileges{Names: []string{"i"}, Privileges: []string{"all"}, AllowRestrictedIndices: true}}},
			RemoteCluster: []RemoteClusterPrivileges{{[]string{"c"}, []string{"monitor_stats"}}},
			Metadata:      map[string]any{"n": json.Number("1.50"), "m": nil},
			Restriction:   Restriction{[]string{"w"}},
			Description:   "d",
		},
	}
	const want = `{"a":{"applications":[{"application":"app","privileges":["p"],"resources":["*"]}],"cluster":["z<","a"],"description":"d",` +
		`"global":{"profile":{"write":{"applications":["x"]}}},` +
		`"indices":[{"allow_restricted_indices":false,"field_security":{"except":[],"grant":["f"]},"names":["i"],"privileges":["read"],"query":"{\"a\":1}"}],` +
		`"metadata":{"m":null,"n":1.50},"remote_cluster":[{"clusters":["c"],"privileges":["monitor_stats"]}],` +
		`"remote_indices":[{"allow_restricted_indices":true,"clusters":["c"],"names":["i"],"privileges":["all"]}],` +
		`"restriction":{"workflows":["w"]},"run_as":["u"]},"b":{"applications":[],"cluster":[],"indices":[],"metadata":{},"run_as":[]}}`
	if got := string(Canonical(set)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(Canonical(nil)); got != "{}" {
		t.Errorf("no descriptors are %s", got)
	}
}

// Ensures that the order of elements matters, the order of descriptors does not, and a missing array equals an empty
// one.
func TestEqual_Cases(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{}`, `{}`, true},
		{`{"x":{}}`, `{"y":{}}`, false},
		{`{"x":{}}`, `{"x":{},"y":{}}`, false},
		{`{"x":{"cluster":["all"]},"y":{}}`, `{"y":{},"x":{"cluster":["all"]}}`, true},
		{`{"x":{"cluster":["a","b"]}}`, `{"x":{"cluster":["b","a"]}}`, false},
		{`{"x":{"cluster":["a"]}}`, `{"x":{"cluster":["a","a"]}}`, false},
		{`{"x":{"cluster":["all"]}}`, `{"x":{"cluster":["ALL"]}}`, false},
		{`{"x":{"cluster":["a"]}}`, `{"x":{"run_as":["a"]}}`, false},
		{`{"x":{"cluster":null,"metadata":{},"global":{"role":{}},"restriction":{},"remote_cluster":[]}}`, `{"x":{}}`, true},
		{`{"x":{"transient_metadata":{"enabled":false},"type":"t"}}`, `{"x":{}}`, true},
		{`{"x":{"metadata":{"a":1,"b":[{}]}}}`, `{"x":{"metadata":{"b":[{}],"a":1}}}`, true},
		{`{"x":{"metadata":{"a":1}}}`, `{"x":{"metadata":{"a":1.0}}}`, false},
		{`{"x":{"metadata":{"a":1}}}`, `{"x":{"metadata":{"a":"1"}}}`, false},
		{`{"x":{"metadata":{"a":null}}}`, `{"x":{"metadata":{}}}`, false},
		{`{"x":{"index":[{"names":"a","privileges":["read"],"query":{"b":1,"a":2}}]}}`,
			`{"x":{"indices":[{"names":["a"],"privileges":["read"],"query":"{\"a\":2,\"b\":1}","allow_restricted_indices":false}]}}`, true},
		{`{"x":{"index":[{"names":["a","b"],"privileges":["read"]}]}}`,
			`{"x":{"index":[{"names":["b","a"],"privileges":["read"]}]}}`, false},
		{`{"x":{"index":[{"names":"a","privileges":["read"],"field_security":{"grant":["*"]}}]}}`,
			`{"x":{"index":[{"names":"a","privileges":["read"]}]}}`, false},
		{`{"x":{"index":[{"names":"a","privileges":["read"],"field_security":{"grant":["*"]}}]}}`,
			`{"x":{"index":[{"names":"a","privileges":["read"],"field_security":{"grant":["*"],"except":[]}}]}}`, false},
		{`{"x":{"index":[{"names":"a","privileges":["read"]}]}}`,
			`{"x":{"index":[{"names":"a","privileges":["read"],"allow_restricted_indices":true}]}}`, false},
		{`{"x":{"description":"a"}}`, `{"x":{"description":"b"}}`, false},
		{`{"x":{"restriction":{"workflows":["a"]}}}`, `{"x":{"restriction":{"workflows":["A"]}}}`, false},
		{`{"x":{"remote_cluster":[{"clusters":"c","privileges":["monitor_stats"]}]}}`,
			`{"x":{"remote_cluster":[{"clusters":"d","privileges":["monitor_stats"]}]}}`, false},
		{`{"x":{"applications":[{"application":"a","privileges":["p"],"resources":["r"]}]}}`,
			`{"x":{"applications":[{"application":"a","privileges":["r"],"resources":["p"]}]}}`, false},
	} {
		a, b := decodeSet(t, c.a), decodeSet(t, c.b)
		if a.Equal(b) != c.want || b.Equal(a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
		if bytes.Equal(Canonical(a), Canonical(b)) != c.want {
			t.Errorf("%s and %s: %s and %s", c.a, c.b, Canonical(a), Canonical(b))
		}
	}
}

func decodeSet(t *testing.T, text string) Set {
	t.Helper()
	set, err := parseField("p", decode(t, text), everything)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return set
}

// Ensures that every member of every type is compared.
func TestEqual_EveryMember(t *testing.T) {
	for _, zero := range []any{Descriptor{}, IndexPrivileges{}, RemoteIndexPrivileges{}, RemoteClusterPrivileges{},
		ApplicationPrivileges{}, FieldSecurity{}} {
		for i := range reflect.TypeOf(zero).NumField() {
			changed := reflect.New(reflect.TypeOf(zero)).Elem()
			fill(changed.Field(i))
			a, b := Set{"x": holding(zero)}, Set{"x": holding(changed.Interface())}
			if a.Equal(b) || bytes.Equal(Canonical(a), Canonical(b)) {
				t.Errorf("%T.%s is not compared", zero, changed.Type().Field(i).Name)
			}
		}
	}
}

// fill sets a value to something other than its zero value.
func fill(value reflect.Value) {
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.String:
		value.SetString("s")
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		fill(value.Index(0))
	case reflect.Map:
		value.Set(reflect.ValueOf(map[string]any{"s": "s"}))
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
	case reflect.Struct:
		fill(value.Field(0))
	default:
		panic("no content for " + value.Type().String())
	}
}

func holding(part any) Descriptor {
	switch part := part.(type) {
	case IndexPrivileges:
		return Descriptor{Indices: []IndexPrivileges{part}}
	case RemoteIndexPrivileges:
		return Descriptor{RemoteIndices: []RemoteIndexPrivileges{part}}
	case RemoteClusterPrivileges:
		return Descriptor{RemoteCluster: []RemoteClusterPrivileges{part}}
	case ApplicationPrivileges:
		return Descriptor{Applications: []ApplicationPrivileges{part}}
	case FieldSecurity:
		return Descriptor{Indices: []IndexPrivileges{{FieldSecurity: &part}}}
	}
	return part.(Descriptor)
}

// generator generates random descriptors of few distinct parts, so that equal ones are frequent.
type generator struct{ *rand.Rand }

func (g generator) chance() bool { return g.IntN(3) == 0 }

func (g generator) strings(least int) []string {
	if least == 0 && g.IntN(2) == 0 {
		return nil
	}
	return slices.Repeat([]string{[]string{"a", "b", "é\u2028<\"", "*"}[g.IntN(4)]}, max(least, 1+g.IntN(2)))
}

func (g generator) free() map[string]any {
	values := []any{nil, true, "a", json.Number("1"), json.Number("1.0"), []any{}, []any{"a", map[string]any{}},
		map[string]any{"a": nil}}
	if g.chance() {
		return map[string]any{[]string{"a", "", "\x00"}[g.IntN(3)]: values[g.IntN(len(values))]}
	}
	return nil
}

func (g generator) indices() IndexPrivileges {
	p := IndexPrivileges{Names: g.strings(1), Privileges: g.strings(1), AllowRestrictedIndices: g.chance()}
	if g.chance() {
		p.FieldSecurity = &FieldSecurity{Grant: append([]string{}, g.strings(0)...)}
	}
	if p.FieldSecurity != nil && g.chance() {
		p.FieldSecurity.Except = append([]string{}, p.FieldSecurity.Grant...)
	}
	if g.chance() {
		p.Query = `{"a":1}`
	}
	return p
}

func (g generator) descriptor() Descriptor {
	d := Descriptor{Cluster: g.strings(0), Metadata: g.free()}
	if g.chance() {
		d.RunAs = g.strings(0)
	}
	if g.chance() {
		d.Indices = append(d.Indices, g.indices())
	}
	if g.chance() {
		d.RemoteIndices = append(d.RemoteIndices, RemoteIndexPrivileges{g.strings(1), g.indices()})
	}
	if g.chance() {
		d.RemoteCluster = append(d.RemoteCluster, RemoteClusterPrivileges{g.strings(1), []string{"monitor_stats"}})
	}
	if g.chance() {
		d.Applications = append(d.Applications, ApplicationPrivileges{"a", g.strings(1), g.strings(1)})
	}
	if g.chance() {
		d.Global = map[string]any{"application": map[string]any{"manage": map[string]any{"applications": []any{"a"}}}}
	}
	if g.chance() {
		d.Restriction.Workflows = g.strings(0)
	}
	if g.chance() {
		d.Description = "d"
	}
	return d
}

func (g generator) set() Set {
	set := Set{}
	for range g.IntN(3) {
		set[[]string{"a", "b"}[g.IntN(2)]] = g.descriptor()
		if g.chance() {
			set["a"] = Descriptor{Cluster: g.strings(0)}
		}
	}
	return set
}

// Ensures that the rendered and the canonical form are read back unchanged, and that sets are equal exactly when their
// canonical forms are.
func TestCanonical_Generated(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	byBytes := map[string]Set{}
	var kept []Set
	for range 3000 {
		set := g.set()
		roundTrip(t, set)
		text := string(Canonical(set))
		if first, known := byBytes[text]; known {
			if !set.Equal(first) {
				t.Fatalf("%v and %v are both %s", set, first, text)
			}
			continue
		}
		byBytes[text] = set
		kept = append(kept, set)
	}
	for i, a := range kept[:500] {
		for j, b := range kept[:500] {
			if a.Equal(b) != (i == j) {
				t.Fatalf("%s equals %s", Canonical(a), Canonical(b))
			}
		}
	}
}

func roundTrip(t *testing.T, set Set) {
	t.Helper()
	for name, d := range set {
		if got, err := Parse(name, render(d), everything); err != nil || !reflect.DeepEqual(got, d) {
			t.Fatalf("%v, %v; want %v", got, err, d)
		}
	}
	value, err := strictjson.Decode(Canonical(set))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseField("p", value, everything)
	if err != nil || !reflect.DeepEqual(got, set) || !got.Equal(set) {
		t.Fatalf("%v, %v; want %v", got, err, set)
	}
}

// Ensures that Parse neither panics on any JSON nor returns errors of other packages, that Validate accepts its results
// as input, and that they are read back unchanged once rendered.
func FuzzParse(f *testing.F) {
	for _, c := range refused {
		f.Add([]byte(c.given))
	}
	for _, text := range []string{
		`{"cluster":["all"],"indices":[{"names":"a","privileges":["read"],"query":{"a":[1.50]},"field_security":{"grant":["a*","?"],"except":["a?b*"]}}]}`,
		`{"remote_indices":[{"names":["a"],"privileges":["read"],"clusters":"c"}],"remote_cluster":[{"clusters":"c","privileges":["monitor_stats"]}]}`,
		`{"applications":[{"application":"app","privileges":["p"],"resources":["*"]}],"run_as":["u"],"metadata":{"a":[1,{"b":null}]}}`,
		`{"global":{"application":{"manage":{"applications":["a"]}},"role":{"manage":{"indices":[{"names":[],"privileges":[]}]}},"data_source":[]}}`,
		`{"restriction":{"workflows":["search_application_query"]},"description":"d","type":1,"transient_metadata":{}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := strictjson.Decode(data)
		if err != nil {
			return
		}
		d, err := Parse("x", value, everything)
		if err != nil {
			if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Message == "" || e.Code.Kind != fault.InvalidInput {
				t.Fatalf("%#v", err)
			}
			return
		}
		Validate(Set{"x": d}, privilege.Names{})
		roundTrip(t, Set{"x": d})
	})
}
