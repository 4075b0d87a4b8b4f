package store

// The statements on these records.
var (
	selectRepair   = prepare(`SELECT name FROM pending_repairs WHERE name = $1`)
	deleteRepair   = prepare(`DELETE FROM pending_repairs WHERE name = $1`)
	insertDoubtful = prepare(`INSERT INTO doubtful_api_keys (key_id) SELECT id FROM api_keys WHERE id ` + among + ` ON CONFLICT (key_id) DO NOTHING`)
	deleteDoubtful = prepare(`DELETE FROM doubtful_api_keys WHERE key_id ` + among)
	selectDoubtful = prepare(sweepingOwners + `SELECT ` + keyColumns + keySource + ` AND api_keys.id IN (SELECT key_id FROM doubtful_api_keys)
		AND api_keys.invalidated_at = 0 AND api_keys.epoch >= COALESCE(owner.key_epoch, 0)
		ORDER BY api_keys.user_name, api_keys.created_at, api_keys.id`)
)

// RepairPending reports whether a repair of the records is still to be done.
func (tx *Tx) RepairPending(name string) (bool, error) {
	found, err := all(tx, scanText, selectRepair, name)
	return len(found) > 0, err
}

// FinishRepair notes that a repair is done.
func (tx *Tx) FinishRepair(name string) error {
	_, err := tx.exec(deleteRepair, name)
	return err
}

// DoubtKeys notes of some keys that their maker is not known for certain, as far as they exist.
func (tx *Tx) DoubtKeys(ids []string) error {
	_, err := tx.exec(insertDoubtful, texts(ids))
	return err
}

// TrustKeys reverses DoubtKeys.
func (tx *Tx) TrustKeys(ids []string) error {
	_, err := tx.exec(deleteDoubtful, texts(ids))
	return err
}

// DoubtfulKeys returns the keys whose maker is not known for certain, and that are not invalidated, by owner and age.
func (tx *Tx) DoubtfulKeys() ([]APIKey, error) { return all(tx, scanKey, selectDoubtful) }
