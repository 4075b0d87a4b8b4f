package dn_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/platform/dn"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"CN=Erin, OU=People,dc=Example": "cn=Erin,ou=People,dc=Example",
		`cn=Doe\, Erin,dc=x`:            `cn=Doe\, Erin,dc=x`,
		"cn=a=b":                        "cn=a=b",
		`cn=a\`:                         `cn=a\`,
		"":                              "",
		"staff":                         "",
		"cn=":                           "",
		"=x":                            "",
		"cn=x,":                         "",
	} {
		t.Run(text, func(t *testing.T) {
			if got, ok := dn.Parse(text); got.String() != want || ok != (want != "") {
				t.Errorf("got %q, %t", got, ok)
			}
		})
	}
}

func TestName_Below(t *testing.T) {
	for _, c := range []struct {
		name, other string
		want        bool
	}{
		{"cn=a,dc=x", "dc=x", true}, {"cn=a,ou=b,dc=x", "dc=x", true}, {"dc=x", "dc=x", false}, {"dc=y", "dc=x", false},
		{`cn=a\,dc=x`, "dc=x", false}, {"dc=x", "cn=a,dc=x", false}, {"cn=a,DC=x", "dc=x", true}, {"cn=a,dc=X", "dc=x", false},
	} {
		t.Run(c.name+" below "+c.other, func(t *testing.T) {
			name, _ := dn.Parse(c.name)
			other, _ := dn.Parse(c.other)
			if got := name.Below(other); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if name, _ := dn.Parse("CN=Erin"); name.Fold().String() != "cn=erin" {
		t.Errorf("folded: %s", name.Fold())
	}
}
