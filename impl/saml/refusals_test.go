package saml

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/hostile"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a flood of junk from many addresses does not write a refusal each time, that those of sign-ins that were
// begun are kept beside it, and that junk is kept again after a while.
func TestRefusals_Flood(t *testing.T) {
	var c clock
	f := newFlow(t, c.now, func(idp *hostile.IdP) []Realm { return []Realm{staff(t, idp)} })
	for i := range strayBurst + 100 {
		ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: fmt.Sprintf("192.0.%d.%d", i/256, i%256), RequestID: fmt.Sprint(i)})
		var failed *fault.Error
		if _, err := f.Finish(ctx, Answer{Response: "x"}); !errors.As(err, &failed) || failed.Code != fault.LoginFailed {
			t.Fatal(err)
		}
	}
	latest := func() store.SAMLRefusal {
		list, err := f.Refusals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	if last := latest(); last.RequestID != fmt.Sprint(strayBurst-1) {
		t.Errorf("the last that is kept is %s", last.RequestID)
	}
	refused := func(id string, answer Answer) {
		t.Helper()
		c.wait(time.Millisecond)
		if _, err := f.Finish(audit.WithOrigin(t.Context(), audit.Origin{RequestID: id}), answer); err == nil {
			t.Fatal("it is not refused")
		}
		if last := latest(); last.RequestID != id {
			t.Errorf("%s is not kept", id)
		}
	}
	request, answer := f.begin("staff")
	answer.Response, answer.RelayState = f.idp.Answer(request), "another"
	refused("begun", answer)
	c.wait(strayInterval)
	refused("later", Answer{Response: "x"})
}
