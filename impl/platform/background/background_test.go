package background_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/impl/platform/background"
)

// Ensures that a task runs at once and then once per interval, until the loop is closed.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var runs []time.Duration
		loop := background.Start(time.Minute, func(context.Context) { runs = append(runs, time.Since(began)) })

		time.Sleep(150 * time.Second)
		loop.Close()
		if len(runs) != 3 || runs[0] != 0 || runs[1] != time.Minute || runs[2] != 2*time.Minute {
			t.Errorf("the task ran after %v", runs)
		}

		time.Sleep(time.Hour)
		if len(runs) != 3 {
			t.Errorf("after Close the task ran after %v", runs[3:])
		}
	})
}

// Ensures that Close cancels a running task, and returns after the task.
func TestLoop_CloseDuringTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		returned := false
		loop := background.Start(time.Minute, func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(time.Second)
			returned = true
		})

		synctest.Wait()
		loop.Close()
		if !returned {
			t.Error("Close returned before the task")
		}
	})
}

// Ensures that a loop that was never started can be closed.
func TestLoop_CloseNil(_ *testing.T) {
	var loop *background.Loop
	loop.Close()
}
