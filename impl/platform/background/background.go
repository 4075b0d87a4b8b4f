// Package background runs periodic tasks.
package background

import (
	"context"
	"time"
)

// Loop is a task that runs periodically. A nil Loop is one that never started.
type Loop struct {
	stop    context.CancelFunc
	stopped chan struct{}
}

// Start runs a task now and then once per interval, never twice at the same time, until the loop is closed.
func Start(interval time.Duration, task func(context.Context)) *Loop {
	ctx, stop := context.WithCancel(context.Background())
	l := &Loop{stop: stop, stopped: make(chan struct{})}
	go l.run(ctx, interval, task)
	return l
}

func (l *Loop) run(ctx context.Context, interval time.Duration, task func(context.Context)) {
	defer close(l.stopped)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()

	for {
		task(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Close cancels the task's context, and waits until the task has returned.
func (l *Loop) Close() {
	if l == nil {
		return
	}
	l.stop()
	<-l.stopped
}

// Pause waits, and reports whether ctx is still alive.
func Pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
