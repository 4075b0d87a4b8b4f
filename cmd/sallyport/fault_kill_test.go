package main

import (
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that servers that are killed in the middle of 500 mixed changes, one after the other, lose nothing that was
// acknowledged and leave nothing half done, as the other one shows it and as they show it themselves when they are back.
func TestFault_Kill(t *testing.T) {
	t.Parallel()
	r := serveFleet(t, postgrestest.Database(t))
	l := r.mix(often(42))
	var killing sync.Mutex
	due := []int{len(l.changes) / 5, len(l.changes) * 2 / 5, len(l.changes) * 3 / 5}
	err := r.run(l, func(acknowledged int) {
		killing.Lock()
		defer killing.Unlock()
		if len(due) > 0 && acknowledged >= due[0] {
			r.kill(len(due))
			due = due[1:]
		}
	})
	if err != nil {
		t.Error(err)
	}
	if n := len(l.of(failed)); n != 0 {
		t.Errorf("%d changes failed at the server that was left", n)
	}
	if len(l.of(unanswered)) == 0 {
		t.Error("no change was under way at a server that was killed, so this shows nothing")
	}
	r.check(l)
	t.Log(l)
}
