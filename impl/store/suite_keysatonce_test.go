package store_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// overlapping: concurrent changes of many keys, named in opposite orders, all succeed, and each changes all of its
// keys.
func overlapping(s *suite) {
	const keys, changes = 300, 12
	ids := make([]string, keys)
	for i := range ids {
		ids[i] = fmt.Sprintf("k%03d", i)
	}

	s.insertKeys(ids...)
	shared := ids[keys/3 : 2*keys/3]
	var wg sync.WaitGroup
	for version := 1; version <= changes; version++ {
		own := slices.Clone(ids[:2*keys/3])
		if version%2 == 0 {
			own = slices.Clone(ids[keys/3:])
			slices.Reverse(own)
		}

		wg.Go(func() {
			err := s.store.Update(s.Context(), func(tx *store.Tx) error {
				if version%3 == 0 { // changes without a lock do not block those with one
					if err := tx.Keys.Lock(); err != nil {
						return err
					}
				}
				return tx.Keys.Update(own, store.KeyChange{LimitedBy: "l", Creator: fmt.Sprint(version), Version: version})
			})
			if err != nil {
				s.Errorf("change %d: %v", version, err)
			}
		})
	}

	wg.Wait()
	s.view(func(tx *store.Tx) error {
		found, err := tx.Keys.ByIDs(ids)
		last := found[shared[0]]
		for _, id := range shared {
			equal(s, "the last change of "+id, found[id].Version, last.Version)
			equal(s, "all of the last change of "+id, found[id].Creator, fmt.Sprint(last.Version))
		}

		for _, id := range ids {
			if found[id].Creator == "c" {
				s.Errorf("%s was never changed", id)
			}
		}

		return err
	})
}

// lockKeys: a transaction that has locked the keys changes them at the first attempt, even with a concurrent change.
func lockKeys(s *suite) {
	s.insertKeys("k1", "k2")
	used := s.moment().Add(time.Second)
	tries, touched := 0, make(chan error)
	s.update(func(tx *store.Tx) error {
		tries++
		if err := tx.Keys.Lock(); err != nil {
			return err
		}
		if _, err := tx.Keys.ByIDs([]string{"k1"}); err != nil {
			return err
		}
		if tries == 1 {
			s.meanwhile(touched, func(tx *store.Tx) error { return tx.Keys.Touch(map[string]time.Time{"k2": used}) })
		}

		return tx.Keys.Update([]string{"k1", "k2"}, store.KeyChange{Creator: "c2"})
	})

	if err := <-touched; err != nil {
		s.Error(err)
	}

	equal(s, "the number of tries", tries, 1)
	equal(s, "the change", s.key("k2").Creator, "c2")
	equal(s, "the use meanwhile", s.key("k2").LastUsedAt, used)
}

// meanwhile runs a concurrent transaction and sends its result to done. It returns at the end of the transaction, or
// when that seems to wait for a lock.
func (s *suite) meanwhile(done chan<- error, f func(tx *store.Tx) error) {
	s.meanwhileDo(done, func() error { return s.store.Update(s.Context(), f) })
}

// meanwhileDo is meanwhile for any function.
func (s *suite) meanwhileDo(done chan<- error, f func() error) {
	ended := make(chan struct{})
	go func() {
		err := f()
		close(ended)
		done <- err
	}()

	select {
	case <-ended:
	case <-time.After(250 * time.Millisecond): // too little makes the test easier, never harder
	}
}

// sharedDocument: a document being given to a key is not deleted by a concurrent sweep of unreferenced documents.
func sharedDocument(s *suite) {
	text := []byte("shared")
	s.insertKeys("k1")
	s.update(func(tx *store.Tx) error {
		_, err := tx.Documents.Put(text)
		return err
	})
	s.now = s.now.Add(candidateAge)

	tries, purged := 0, make(chan error)
	s.update(func(tx *store.Tx) error {
		id, err := tx.Documents.Put(text)
		if err != nil {
			return err
		}

		if tries++; tries == 1 {
			s.meanwhileDo(purged, func() error {
				_, err := s.store.SweepDocuments(s.Context(), true)
				return err
			})
		}

		return tx.Keys.Update([]string{"k1"}, store.KeyChange{Assigned: &id})
	})

	if err := <-purged; err != nil {
		s.Fatal(err)
	}

	s.view(func(tx *store.Tx) error {
		key, err := tx.Keys.Find("k1")
		if err != nil {
			return err
		}

		body, err := tx.Documents.Get(key.Assigned)
		equal(s, "the key's document", string(body), string(text))
		return err
	})
}
