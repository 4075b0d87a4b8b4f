package store_test

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// candidateAge is the age from which candidates are checked.
const candidateAge = time.Minute

func (s *suite) sweepDocuments(eager bool) store.DocumentSweep {
	s.Helper()
	swept, err := s.store.SweepDocuments(s.Context(), eager)
	if err != nil {
		s.Fatal(err)
	}
	return swept
}

// put stores a document and returns its id.
func (s *suite) put(text string) (id string) {
	s.Helper()
	s.update(func(tx *store.Tx) (err error) {
		id, err = tx.Documents.Put([]byte(text))
		return err
	})
	return id
}

// stored reports whether a document is stored.
func (s *suite) stored(id string) (stored bool) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		_, err := tx.Documents.Get(id)
		stored = err == nil
		if !stored {
			s.is(err, store.ErrNotFound)
		}
		return nil
	})
	return stored
}

// documentCandidates: a sweep checks the documents that were put, and those that a key has ceased to refer to, and
// removes those that no key refers to. Keys that were inserted refer to other documents, which are not stored.
func documentCandidates(s *suite) {
	s.insertKeys("k1", "k2", "k3")
	first, second := s.put("first"), s.put("second")
	change := func(assigned string, ids ...string) {
		s.Helper()
		s.update(func(tx *store.Tx) error {
			return tx.Keys.Update(ids, store.KeyChange{Assigned: &assigned, LimitedBy: second})
		})
	}
	change(first, "k1", "k2")
	equal(s, "within the age", s.sweepDocuments(true), store.DocumentSweep{})
	s.now = s.now.Add(candidateAge)
	equal(s, "while keys refer to both", s.sweepDocuments(true), store.DocumentSweep{Checked: 2})
	equal(s, "once checked", s.sweepDocuments(true), store.DocumentSweep{})

	change(second, "k1")
	s.update(func(tx *store.Tx) error { return tx.Documents.Release(first) })
	s.now = s.now.Add(candidateAge)
	equal(s, "while a key refers to it", s.sweepDocuments(true), store.DocumentSweep{Checked: 1})
	equal(s, "the first document is stored", s.stored(first), true)

	s.update(func(tx *store.Tx) error {
		_, err := tx.Keys.Invalidate([]string{"k2"})
		return err
	})
	s.update(func(tx *store.Tx) error {
		_, err := tx.Keys.Purge(s.moment().Add(time.Hour))
		return err
	})
	s.now = s.now.Add(candidateAge)
	equal(s, "after its last key is deleted", s.sweepDocuments(true), store.DocumentSweep{Checked: 2, Removed: 1})
	equal(s, "the first document is stored", s.stored(first), false)
	equal(s, "the second document is stored", s.stored(second), true)

	s.update(func(tx *store.Tx) error {
		_, err := tx.Users.Delete("alice")
		return err
	})
	s.now = s.now.Add(candidateAge)
	equal(s, "after its user is deleted", s.sweepDocuments(true), store.DocumentSweep{Checked: 4, Removed: 1})
}

// fewCandidates: a candidate among many keys waits for others, or an eager sweep. Deleting a user with many keys makes
// their documents candidates.
func fewCandidates(s *suite) {
	const keys = 1_001
	ids := make([]string, keys)
	for i := range ids {
		ids[i] = fmt.Sprintf("k%04d", i)
	}
	s.insertKeys(ids...)
	shared := s.put("shared")
	s.update(func(tx *store.Tx) error { return tx.Keys.Update(ids, store.KeyChange{Creator: shared}) })
	s.now = s.now.Add(candidateAge)
	equal(s, "one candidate", s.sweepDocuments(false), store.DocumentSweep{})
	s.put("another")
	s.now = s.now.Add(candidateAge)
	equal(s, "two candidates", s.sweepDocuments(false), store.DocumentSweep{Checked: 2, Removed: 1})

	s.update(func(tx *store.Tx) error {
		_, err := tx.Users.Delete("alice")
		return err
	})
	for done := false; !done; {
		s.update(func(tx *store.Tx) (err error) {
			done, err = tx.Users.Sweep("alice")
			return err
		})
	}
	s.now = s.now.Add(candidateAge)
	equal(s, "after the user is swept", s.sweepDocuments(false), store.DocumentSweep{Checked: 2, Removed: 1})
}
