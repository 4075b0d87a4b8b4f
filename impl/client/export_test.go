package client

import (
	"context"
	"time"
)

// MaxRetries is maxRetries.
const MaxRetries = maxRetries

// BudgetSize is budgetSize.
const BudgetSize = budgetSize

// Clock is what tests replace.
type Clock struct {
	Now         func() time.Time
	Random      func() float64
	Pause       func(context.Context, time.Duration) error
	WithTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

// WithClock replaces the time and randomness.
func WithClock(c Clock) Option {
	return func(s *settings) error {
		s.clock = clock{now: c.Now, random: c.Random, pause: c.Pause, withTimeout: c.WithTimeout}
		return nil
	}
}

// Trait describes how an operation is sent.
type Trait struct{ Public, Reads, Repeatable bool }

// TraitOf returns the traits of an operation.
func TraitOf(method, path string) Trait {
	t := traitsOf(method, path)
	return Trait{t.public, t.reads, t.repeatable}
}

// Exceptions returns the patterns of all operations with traits of their own.
func Exceptions() []string {
	var all []string
	for pattern := range exceptions {
		all = append(all, pattern)
	}
	return all
}

// Waiting returns the number of requests that wait for the client's session.
func Waiting(c *Client) int {
	s := c.transport.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight == nil {
		return 0
	}
	return s.flight.waiting
}
