package client

import (
	"context"
)

// purpose is the reason to change the token.
type purpose int

const (
	refreshing purpose = iota
	renewing
	elevating
	ending
)

// flight is a change of the token in progress.
type flight struct {
	purpose purpose
	// done is closed when the change is complete, and err set before.
	done chan struct{}
	err  error
	// waiting is the number of requests that wait for it. Without any, it is canceled.
	waiting   int
	cancel    context.CancelFunc
	abandoned bool
}

// change replaces the token by the one that f returns for it, unless the token is no longer one for which it is needed.
// There is one change at a time: requests with the same purpose wait for the same change, and get its error; others
// wait, and look again. A request that is canceled stops waiting, and the last one cancels the change.
func (s *session) change(
	ctx context.Context, p purpose, needed func(token) bool, f func(context.Context, token) (token, error),
) error {
	for {
		s.mu.Lock()
		if !needed(s.token) {
			s.mu.Unlock()
			return nil
		}
		current := s.flight
		if current == nil {
			current = s.start(ctx, p, f)
		}
		current.waiting++
		s.mu.Unlock()

		if err := s.wait(ctx, current); err != nil {
			return err
		}
		if current.purpose == p && !current.abandoned {
			return current.err
		}
	}
}

// start starts a change. It does not end with the request that started it, because others may wait for it. s.mu is
// held.
func (s *session) start(ctx context.Context, p purpose, f func(context.Context, token) (token, error)) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	own := &flight{purpose: p, done: make(chan struct{}), cancel: cancel}
	s.flight = own
	before := s.token
	go func() {
		defer cancel()
		next, err := f(ctx, before)

		s.mu.Lock()
		defer s.mu.Unlock()
		if s.token == before { // the password was not changed meanwhile
			s.token = next
		}
		s.flight, own.err = nil, err
		close(own.done)
	}()
	return own
}

// wait waits for a change, or for the end of the context.
func (s *session) wait(ctx context.Context, f *flight) error {
	var err error
	select {
	case <-f.done:
	case <-ctx.Done():
		err = &Error{Message: "the session is not ready", cause: ctx.Err()}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiting--
	if f.waiting == 0 && err != nil && !closed(f.done) {
		f.abandoned = true
		f.cancel()
	}
	return err
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
