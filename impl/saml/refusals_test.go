package saml

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/samltest"
	"github.com/sallyport/sallyport/impl/store"
)

// fails finishes a sign-in that has to be refused.
func (f flow) fails(ctx context.Context, answer Answer) {
	f.t.Helper()
	var failed *fault.Error
	if _, err := f.Finish(ctx, answer); !errors.As(err, &failed) || failed.Code != fault.LoginFailed {
		f.t.Fatal(err)
	}
}

// named is a request with an id.
func named(ctx context.Context, id string) context.Context {
	return audit.WithOrigin(ctx, audit.Origin{RequestID: id})
}

// Ensures that a flood of junk from many addresses does not write a refusal each time and replaces none of a sign-in
// that was begun, and that junk is kept again after a while, apart.
func TestRefusals_Flood(t *testing.T) {
	var c clock
	f := newFlow(t, c.now, func(idp *samltest.IdP) []Realm { return []Realm{staff(t, idp)} })
	newest := func() (own, unsolicited store.SAMLRefusal) {
		t.Helper()
		mine, strays, err := f.Refusals(t.Context())
		if err != nil || len(mine) != 1 || len(strays) != strayBurst {
			t.Fatalf("%d own refusals, %d unsolicited, %v", len(mine), len(strays), err)
		}
		return mine[0], strays[0]
	}

	request, answer := f.begin("staff")
	request.ACS = "https://elsewhere.example"
	answer.Response = f.idp.Answer(request)
	f.fails(named(t.Context(), "begun"), answer)
	c.wait(time.Millisecond)
	for i := range strayBurst + 250 {
		ctx := audit.WithOrigin(t.Context(),
			audit.Origin{Address: fmt.Sprintf("192.0.%d.%d", i/256, i%256), RequestID: fmt.Sprint(i)})
		f.fails(ctx, Answer{Response: "x"})
	}
	if own, stray := newest(); own.RequestID != "begun" || own.Realm != "staff" ||
		stray.RequestID != fmt.Sprint(strayBurst-1) || stray.Realm != "" {
		t.Errorf("the newest are %+v and %+v", own, stray)
	}

	c.wait(strayInterval)
	f.fails(named(t.Context(), "later"), Answer{Response: "x"})
	if _, stray := newest(); stray.RequestID != "later" {
		t.Errorf("the newest unsolicited one is %+v", stray)
	}
}

// Ensures that the reason of a logout that several realms refuse is that of the realm it is for, whatever the order,
// and that otherwise each realm's reason is kept.
func TestRefusals_LogoutReasons(t *testing.T) {
	var c clock
	other := samltest.New(c.now())
	other.EntityID, other.RSA, other.Rollover, other.EC = "https://other.example.com", other.Attacker, other.Attacker,
		other.Attacker
	for name, order := range map[string][]string{
		"the right realm first": {"staff", "guests"}, "the right realm last": {"guests", "staff"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, c.now, func(idp *samltest.IdP) []Realm {
				idps := map[string]*samltest.IdP{"staff": idp, "guests": other}
				var realms []Realm
				for _, id := range order {
					realms = append(realms, withLogout(t, idps[id], id))
				}
				return realms
			})
			latest := func(query string) (own, strays []store.SAMLRefusal) {
				t.Helper()
				if _, err := f.SingleLogout(t.Context(), query); err == nil {
					t.Fatal("it is not refused")
				}
				own, strays, err := f.Refusals(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return own, strays
			}

			_, strays := latest(f.signedLogout(f.idp.Expired))
			want := "logout: the query was signed with no key of the identity provider, or changed"
			if len(strays) != 1 || strays[0].Reason != want {
				t.Errorf("with a key of neither realm: %+v", strays)
			}
			query := f.signedLogout(f.idp.RSA)
			c.wait(time.Hour)
			own, _ := latest(query)
			if len(own) != 1 || own[0].Realm != "staff" ||
				own[0].Reason != "logout: the time of issue is missing, too long ago or in the future" {
				t.Errorf("an old logout: %+v", own)
			}
		})
	}
}
