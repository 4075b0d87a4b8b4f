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

// Get returns the account, or ErrNotFound. Cached results are invalidated.
func (t Accounts) Get() (Account, error) {
	t.tx.read.add(accountTag())
	return one(t.tx, func(a *Account) []any {
		return []any{&a.ID, &a.TrustAll, (*milliseconds)(&a.CreatedAt), (*milliseconds)(&a.UpdatedAt)}
	}, selectAccount)
}

// Insert adds the account, at the transaction's time.
func (t Accounts) Insert(a Account) error {
	return t.tx.do(insertAccount, a.ID, a.TrustAll, millis(t.tx.Now))
}

// Update stores the account's settings.
func (t Accounts) Update(a Account) error {
	t.tx.changed.add(accountTag())
	return t.tx.do(updateAccount, a.ID, a.TrustAll, millis(t.tx.Now))
}
