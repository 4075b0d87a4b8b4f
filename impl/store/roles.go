package store

// Role is a custom role, in contrast to the built-in ones. The name is the key and never changes.
type Role struct {
	Name string
	// Descriptor is a JSON object.
	Descriptor string
}

func roleFields(r *Role) []any { return []any{&r.Name, &r.Descriptor} }

// The statements on these records.
var (
	selectRole         = prepare(`SELECT name, descriptor FROM roles WHERE name = $1`)
	selectRoles        = prepare(`SELECT name, descriptor FROM roles ORDER BY name`)
	selectRolesByNames = prepare(`SELECT name, descriptor FROM roles WHERE name ` + among + ` ORDER BY name`)
	insertRole         = prepare(`INSERT INTO roles (name, descriptor, created_at, updated_at)
		VALUES ($1, $2, $3, $3) ON CONFLICT (name) DO NOTHING`)
	updateRole = prepare(`UPDATE roles SET descriptor = $2, updated_at = $3 WHERE name = $1`)
	deleteRole = prepare(`DELETE FROM roles WHERE name = $1`)
)

// Find returns a role, or ErrNotFound.
func (t Roles) Find(name string) (Role, error) {
	return one(t.tx, roleFields, selectRole, name)
}

// All returns all roles by name.
func (t Roles) All() ([]Role, error) {
	return all(t.tx, roleFields, selectRoles)
}

// ByNames returns those of the roles that exist, by name and once each. Cached results are invalidated.
func (t Roles) ByNames(names []string) ([]Role, error) {
	for _, name := range names {
		t.tx.read.add(roleTag(name))
	}
	roles, err := all(t.tx, roleFields, selectRolesByNames, texts(names))
	for _, role := range roles {
		t.tx.read.bytes += len(role.Descriptor)
	}
	return roles, err
}

// Put stores a role, in place of the one with its name if there is one, and reports whether there was none.
func (t Roles) Put(r Role) (bool, error) {
	t.tx.changed.add(roleTag(r.Name))
	return t.tx.put(insertRole, updateRole, r.Name, r.Descriptor, millis(t.tx.Now))
}

// Delete removes a role and reports whether there was one.
func (t Roles) Delete(name string) (bool, error) {
	t.tx.changed.add(roleTag(name))
	return t.tx.changes(deleteRole, name)
}
