package store

import "time"

// Account is the installation's account. There is one.
type Account struct {
	ID        string
	TrustAll  bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// The statements on these records.
var (
	selectAccount = prepare(`SELECT id, trust_all, created_at, updated_at FROM accounts`)
	insertAccount = prepare(`INSERT INTO accounts (id, trust_all, created_at, updated_at) VALUES ($1, $2, $3, $3)`)
	updateAccount = prepare(`UPDATE accounts SET trust_all = $2, updated_at = $3 WHERE id = $1`)
)

// Get returns the account, or ErrNotFound.
func (t Accounts) Get() (Account, error) {
	return one(t.tx, func(row scanner) (a Account, err error) {
		var created, updated int64
		err = row.Scan(&a.ID, &a.TrustAll, &created, &updated)
		a.CreatedAt, a.UpdatedAt = at(created), at(updated)
		return a, err
	}, selectAccount)
}

// Insert adds the account, at the transaction's time.
func (t Accounts) Insert(a Account) error {
	_, err := t.tx.exec(insertAccount,
		a.ID, a.TrustAll, millis(t.tx.Now))
	return err
}

// Update stores the account's settings.
func (t Accounts) Update(a Account) error {
	_, err := t.tx.exec(updateAccount, a.ID, a.TrustAll, millis(t.tx.Now))
	return err
}
