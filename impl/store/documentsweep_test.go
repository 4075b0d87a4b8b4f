package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Ensures that the keys are read to the last one, also if they are read in several parts.
func TestSweepDocuments_Parts(t *testing.T) {
	defer func(n int) { checkedAtOnce = n }(checkedAtOnce)
	checkedAtOnce = 3

	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	st, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // nothing to lose

	var kept, orphans []string
	err = st.Update(t.Context(), func(tx *Tx) error {
		if err := tx.Users.Insert(User{Name: "alice"}); err != nil {
			return err
		}
		for i := range 9 { // the parts end with a key
			own, err := tx.Documents.Put(fmt.Append(nil, i))
			if err != nil {
				return err
			}
			orphan, err := tx.Documents.Put(fmt.Append(nil, "orphan ", i))
			if err != nil {
				return err
			}
			kept, orphans = append(kept, own), append(orphans, orphan)
			key := APIKey{ID: fmt.Sprint("k", i), UserName: "alice"}
			*[]*string{&key.Assigned, &key.LimitedBy, &key.Creator}[i%3] = own
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	now = now.Add(candidateAge)
	found, err := st.unreferenced(t.Context(), slices.Concat(kept, orphans))
	slices.Sort(found)
	slices.Sort(orphans)
	if err != nil || !slices.Equal(found, orphans) {
		t.Errorf("%d documents are unreferenced, want %d; %v", len(found), len(orphans), err)
	}
	swept, err := st.SweepDocuments(t.Context(), true)
	if err != nil || swept != (DocumentSweep{Checked: 18, Removed: 9}) {
		t.Errorf("swept %+v, %v", swept, err)
	}
}
