package apikey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/store"
)

// makersRepair is the name by which the migration requests RepairMakers.
const makersRepair = "api_key_makers"

const (
	// historyPage is the number of audit entries that are read per transaction.
	historyPage = 5_000
	// repairBatch is the number of keys that are repaired per transaction.
	repairBatch = 500
)

// Makers is the result of RepairMakers.
type Makers struct {
	// Bound counts the keys that were bound.
	Bound int
	// Doubtful lists the keys without a certain creator in the audit trail.
	Doubtful []Key
}

// RepairMakersOnce runs RepairMakers on a database that an older version has written, until it has succeeded once.
func (s *Service) RepairMakersOnce(ctx context.Context) (Makers, error) {
	pending, err := store.Read(ctx, s.store, func(tx *store.Tx) (bool, error) { return tx.Repairs.Pending(makersRepair) })
	if err != nil {
		return Makers{}, err
	}
	if pending {
		return s.RepairMakers(ctx)
	}
	doubtful, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.APIKey, error) { return tx.Keys.Doubtful() })
	return Makers{Doubtful: keysOf(doubtful)}, err
}

// RepairMakers reads from the audit trail which users created and changed API keys while versions ran that did not
// record it. It binds keys that another user than the owner created or changed last. If there is such a key, keys that
// the owner or a key of the owner created after it are marked as doubtful, because that key may have created them. It
// can be repeated, also while servers run.
func (s *Service) RepairMakers(ctx context.Context) (Makers, error) {
	history, err := s.readHistory(ctx)
	if err != nil {
		return Makers{}, fmt.Errorf("apikey: read the creators of the keys: %w", err)
	}
	var m Makers
	for batch := range slices.Chunk(history.byOthers(), repairBatch) {
		bound, err := s.bind(ctx, batch)
		if err != nil {
			return m, fmt.Errorf("apikey: bind the keys that other users created: %w", err)
		}
		m.Bound += bound
	}
	for batch := range slices.Chunk(history.doubtful(), repairBatch) {
		if err := s.doubt(ctx, batch); err != nil {
			return m, fmt.Errorf("apikey: mark the keys without a certain creator: %w", err)
		}
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.Repairs.Finish(makersRepair) }); err != nil {
		return m, err
	}
	doubtful, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.APIKey, error) { return tx.Keys.Doubtful() })
	m.Doubtful = keysOf(doubtful)
	return m, err
}

// history holds the entries of the audit trail about keys that older versions wrote; newer versions decide at once.
type history struct {
	// last maps each key to its last change.
	last map[string]keyEvent
	// since maps each owner to the first change of one of its keys by another user.
	since map[string]int
	// count orders the changes.
	count int
}

type keyEvent struct {
	owner string
	// byOther means that the actor was not the owner in person.
	byOther bool
	// created distinguishes a creation, which a key can make too, from an update, which it cannot.
	created bool
	order   int
}

// readHistory reads page by page, so that no transaction takes long.
func (s *Service) readHistory(ctx context.Context) (*history, error) {
	h := &history{last: map[string]keyEvent{}, since: map[string]int{}}
	var at time.Time
	var id string
	for {
		page, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.AuditEntry, error) {
			return tx.Audit.After(at, id, historyPage)
		})
		if err != nil || len(page) == 0 {
			return h, err
		}
		for _, entry := range page {
			if err := h.add(entry); err != nil {
				return h, err
			}
		}
		at, id = page[len(page)-1].At, page[len(page)-1].ID
	}
}

func (h *history) add(e store.AuditEntry) error {
	created := e.Event == string(audit.KeyCreated)
	if e.Event == string(audit.KeyPurged) {
		delete(h.last, e.Subject)
	}
	if !created && e.Event != string(audit.KeyUpdated) {
		return nil
	}
	var details struct {
		User     string `json:"user"`
		ActingAs string `json:"acting_as"`
		Binding  string `json:"binding"`
	}
	if err := json.Unmarshal([]byte(e.Details), &details); err != nil {
		return fmt.Errorf("the entry %s: %w", e.ID, err)
	}
	if details.Binding != "" {
		delete(h.last, e.Subject)
		return nil
	}
	h.count++
	byOther := e.Actor != details.User || details.ActingAs != ""
	h.last[e.Subject] = keyEvent{details.User, byOther, created, h.count}
	if _, found := h.since[details.User]; byOther && !found {
		h.since[details.User] = h.count
	}
	return nil
}

func (h *history) byOthers() []string {
	return h.selected(func(e keyEvent) bool { return e.byOther })
}

func (h *history) doubtful() []string {
	return h.selected(func(e keyEvent) bool {
		since, found := h.since[e.owner]
		return found && !e.byOther && e.created && e.order > since
	})
}

// selected returns the matching keys in order, so that transactions that lock the same rows do not deadlock.
func (h *history) selected(f func(keyEvent) bool) []string {
	var ids []string
	for id, e := range h.last {
		if f(e) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// bind binds the keys that are not bound to the ECE roles that their owner had when they were created or last changed,
// and returns their number.
func (s *Service) bind(ctx context.Context, ids []string) (bound int, err error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (int, error) {
		if err := lockMany(tx, len(ids)); err != nil {
			return 0, err
		}
		unbound, err := s.unbound(tx, ids)
		if err != nil {
			return 0, err
		}
		for _, key := range unbound {
			if err := rebind(ctx, tx, key); err != nil {
				return 0, err
			}
		}
		return len(unbound), nil
	})
}

// unbound returns the valid keys that are not bound, in order. It excludes keys without a creator: when they were
// created, only owners could create keys.
func (s *Service) unbound(tx *store.Tx, ids []string) ([]store.APIKey, error) {
	found, err := tx.Keys.ByIDs(ids)
	if err != nil {
		return nil, err
	}
	var unbound []store.APIKey
	for _, id := range ids {
		key, exists := found[id]
		if !exists || invalidated(key) || key.Creator == "" {
			continue
		}
		c, err := s.ceiling(tx, key)
		if err != nil {
			return nil, err
		}
		if !c.OnBehalf {
			unbound = append(unbound, key)
		}
	}
	return unbound, nil
}

func rebind(ctx context.Context, tx *store.Tx, key store.APIKey) error {
	var by creator
	if err := readDocument(tx, key.Creator, &by); err != nil {
		return err
	}
	by.binding = binding{OnBehalf: true}
	text, err := json.Marshal(by)
	if err != nil {
		return err
	}
	change := store.KeyChange{LimitedBy: key.LimitedBy, Version: key.Version}
	if change.Creator, err = tx.Documents.Put(text); err != nil {
		return err
	}
	return errors.Join(
		tx.Keys.Update([]string{key.ID}, change),
		tx.Documents.Release(key.Creator),
		audit.Record(ctx, tx, audit.KeyBound, key.ID, audit.Details{"user": key.UserName}),
	)
}

// doubt marks the keys as doubtful that would gain privileges by their owner's promotion.
func (s *Service) doubt(ctx context.Context, ids []string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		unbound, err := s.unbound(tx, ids)
		if err != nil {
			return err
		}
		var doubtful []string
		for _, key := range unbound {
			if key.Assigned == "" {
				doubtful = append(doubtful, key.ID)
			}
		}
		return tx.Keys.Doubt(doubtful)
	})
}
