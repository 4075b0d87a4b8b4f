package main

import (
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that servers that are killed alternately during 500 mixed changes lose no acknowledged change and apply
// none in part, as the surviving server shows it and as they show it after their restart.
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
		t.Errorf("%d changes failed at the surviving server", n)
	}
	if len(l.of(unanswered)) == 0 {
		t.Error("no change was in progress at a killed server, so nothing was tested")
	}
	r.check(l)
	t.Log(l)
}
