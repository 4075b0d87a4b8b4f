package store

// The statements on these records.
var (
	selectRepair   = prepare(`SELECT name FROM pending_repairs WHERE name = $1`)
	deleteRepair   = prepare(`DELETE FROM pending_repairs WHERE name = $1`)
	insertDoubtful = prepare(`INSERT INTO doubtful_api_keys (key_id) SELECT id FROM api_keys WHERE id ` + among +
		` ON CONFLICT (key_id) DO NOTHING`)
	deleteDoubtful = prepare(`DELETE FROM doubtful_api_keys WHERE key_id ` + among)
	selectDoubtful = prepare(sweepingOwners + `SELECT ` + keyColumns + keySource +
		` AND api_keys.id IN (SELECT key_id FROM doubtful_api_keys)
		AND api_keys.invalidated_at = 0 AND api_keys.epoch >= COALESCE(owner.key_epoch, 0)
		ORDER BY api_keys.user_name, api_keys.created_at, api_keys.id`)
)

// Pending reports whether a repair of the records is still to be done.
func (t Repairs) Pending(name string) (bool, error) {
	found, err := all(t.tx, single[string], selectRepair, name)
	return len(found) > 0, err
}

// Finish records that a repair is done.
func (t Repairs) Finish(name string) error {
	return t.tx.do(deleteRepair, name)
}

// Doubt marks those of the keys that exist as having an uncertain maker.
func (t Keys) Doubt(ids []string) error {
	return t.tx.do(insertDoubtful, texts(ids))
}

// Trust reverses Doubt.
func (t Keys) Trust(ids []string) error {
	return t.tx.do(deleteDoubtful, texts(ids))
}

// Doubtful returns the keys with an uncertain maker that are not invalidated, by owner and age.
func (t Keys) Doubtful() ([]APIKey, error) { return all(t.tx, keyFields, selectDoubtful) }
