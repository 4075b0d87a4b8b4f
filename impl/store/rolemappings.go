package store

// RoleMapping gives roles to users that match its rules when they sign in. The name is the key and never changes.
type RoleMapping struct {
	Name    string
	Enabled bool
	Roles   []string
	// Rules and Metadata are JSON objects.
	Rules, Metadata string
	// Cost is what the evaluation of the rules costs at a sign-in.
	Cost int
}

// The statements on these records.
var (
	selectRoleMappings = prepare(`SELECT name, enabled, roles, rules, metadata, cost FROM role_mappings ORDER BY name`)
	// The metadata has no effect on a sign-in.
	selectEnabledRoleMappings = prepare(`SELECT name, enabled, roles, rules, '', cost FROM role_mappings
		WHERE enabled ORDER BY name`)
	sumRoleMappings = prepare(`SELECT COUNT(*), CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM role_mappings
		WHERE name <> $1`)
	insertRoleMapping = prepare(`INSERT INTO role_mappings
		(name, enabled, roles, rules, metadata, cost, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
		ON CONFLICT (name) DO NOTHING`)
	updateRoleMapping = prepare(`UPDATE role_mappings SET enabled = $2, roles = $3, rules = $4, metadata = $5, cost = $6,
		updated_at = $7 WHERE name = $1`)
	deleteRoleMapping = prepare(`DELETE FROM role_mappings WHERE name = $1`)
)

func roleMappingFields(m *RoleMapping) []any {
	return []any{&m.Name, &m.Enabled, (*list[string])(&m.Roles), &m.Rules, &m.Metadata, &m.Cost}
}

// All returns all role mappings by name.
func (t RoleMappings) All() ([]RoleMapping, error) {
	return all(t.tx, roleMappingFields, selectRoleMappings)
}

// Enabled returns the enabled role mappings by name, without their metadata.
func (t RoleMappings) Enabled() ([]RoleMapping, error) {
	return all(t.tx, roleMappingFields, selectEnabledRoleMappings)
}

// Others returns how many role mappings there are beside the one with the name, and what they cost together.
func (t RoleMappings) Others(name string) (count, cost int, err error) {
	type sums struct{ count, cost int }
	s, err := one(t.tx, func(s *sums) []any { return []any{&s.count, &s.cost} }, sumRoleMappings, name)
	return s.count, s.cost, err
}

// Put stores a role mapping, in place of the one with its name if there is one, and reports whether there was none.
func (t RoleMappings) Put(m RoleMapping) (bool, error) {
	return t.tx.put(insertRoleMapping, updateRoleMapping,
		m.Name, m.Enabled, list[string](m.Roles), m.Rules, m.Metadata, m.Cost, millis(t.tx.Now))
}

// Delete removes a role mapping and reports whether there was one.
func (t RoleMappings) Delete(name string) (bool, error) {
	return t.tx.changes(deleteRoleMapping, name)
}
