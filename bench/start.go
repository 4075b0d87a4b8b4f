package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"
)

// start is a way to start the program.
type start struct {
	name string
	// on is the database of the server; nil if it makes its own.
	on *database
}

// measure starts the program, and measures the time until it is ready, and its processor time until then.
func (s start) measure(ctx context.Context, program, folder string, to results) (err error) {
	c, took, err := s.begin(ctx, program, folder)
	if err != nil {
		return err
	}
	ran, err := c.processorTime()
	if err != nil {
		return err
	}
	to.add(took.Seconds()*1000, s.name, "time")
	to.add(ran.Seconds()*1000, s.name, "processor time")
	return c.stop()
}

// begin starts the program, and returns it when it is ready.
func (s start) begin(ctx context.Context, program, folder string) (*child, time.Duration, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, 0, err
	}
	admin, err := freeAddress(ctx)
	if err != nil {
		return nil, 0, err
	}
	start := command(ctx, nil, program, "dev", "--listen", address)
	path := "/api/v1/account"
	if s.on != nil {
		start = command(ctx, s.on.settings, program, "serve", "--listen", address, "--admin.listen", admin)
		address, path = admin, "/readyz"
	}

	began := time.Now()
	c, err := spawn(start, filepath.Join(folder, s.name+".log"))
	if err != nil {
		return nil, 0, err
	}
	if err := c.await(ctx, address, path); err != nil {
		return nil, 0, errors.Join(err, c.stop())
	}
	return c, time.Since(began), nil
}
