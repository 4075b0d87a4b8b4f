package store

// ServiceToken authenticates a service account.
type ServiceToken struct {
	// Account and Name identify the token.
	Account, Name string
	// SecretDigest is secret.Digest of the token's secret part.
	SecretDigest string
}

// The statements on these records.
var (
	insertServiceToken = prepare(`INSERT INTO service_tokens (account, name, secret_digest, created_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT (account, name) DO NOTHING`)
	selectServiceToken = prepare(`SELECT account, name, secret_digest FROM service_tokens
		WHERE account = $1 AND name = $2`)
	selectServiceTokens = prepare(`SELECT name FROM service_tokens WHERE account = $1 ORDER BY name`)
	deleteServiceToken  = prepare(`DELETE FROM service_tokens WHERE account = $1 AND name = $2`)
)

// Insert adds a token, at the transaction's time, or returns ErrExists.
func (t ServiceTokens) Insert(s ServiceToken) error {
	added, err := t.tx.changes(insertServiceToken, s.Account, s.Name, s.SecretDigest, millis(t.tx.Now))
	if err == nil && !added {
		err = ErrExists
	}
	return err
}

// Find returns a token, or ErrNotFound. Cached results are invalidated.
func (t ServiceTokens) Find(account, name string) (ServiceToken, error) {
	t.tx.read.add(serviceTokenTag(account, name))
	fields := func(s *ServiceToken) []any { return []any{&s.Account, &s.Name, &s.SecretDigest} }
	return one(t.tx, fields, selectServiceToken, account, name)
}

// Names returns the sorted names of an account's tokens.
func (t ServiceTokens) Names(account string) ([]string, error) {
	return all(t.tx, single[string], selectServiceTokens, account)
}

// Delete removes a token, and reports whether there was one.
func (t ServiceTokens) Delete(account, name string) (bool, error) {
	t.tx.changed.add(serviceTokenTag(account, name))
	return t.tx.changes(deleteServiceToken, account, name)
}
