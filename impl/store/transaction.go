package store

import "context"

// Read calls f in a View, and returns its result. After an error it returns the zero value.
func Read[T any](ctx context.Context, s *Store, f func(*Tx) (T, error)) (T, error) {
	return withResult(ctx, s.View, f)
}

// Write calls f in an Update, and returns its result. After an error nothing is written, and it returns the zero value.
func Write[T any](ctx context.Context, s *Store, f func(*Tx) (T, error)) (T, error) {
	return withResult(ctx, s.Update, f)
}

// transact is View or Update.
type transact func(context.Context, func(*Tx) error) error

func withResult[T any](ctx context.Context, run transact, f func(*Tx) (T, error)) (T, error) {
	var result, none T
	err := run(ctx, func(tx *Tx) (err error) {
		result, err = f(tx)
		return err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}
