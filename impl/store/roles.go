package store

// Role is a role that somebody defined, beside those that the server comes with. The name is the key and never changes.
type Role struct {
	Name string
	// Descriptor is a JSON object.
	Descriptor string
}

func scanRole(row scanner) (r Role, err error) {
	err = row.Scan(&r.Name, &r.Descriptor)
	return r, err
}

// The statements on these records.
var (
	selectRole         = prepare(`SELECT name, descriptor FROM roles WHERE name = $1`)
	selectRoles        = prepare(`SELECT name, descriptor FROM roles ORDER BY name`)
	selectRolesByNames = prepare(`SELECT name, descriptor FROM roles WHERE name ` + among + ` ORDER BY name`)
	insertRole         = prepare(`INSERT INTO roles (name, descriptor, created_at, updated_at) VALUES ($1, $2, $3, $3) ON CONFLICT (name) DO NOTHING`)
	updateRole         = prepare(`UPDATE roles SET descriptor = $2, updated_at = $3 WHERE name = $1`)
	deleteRole         = prepare(`DELETE FROM roles WHERE name = $1`)
)

// Role returns a role, or ErrNotFound.
func (tx *Tx) Role(name string) (Role, error) {
	return one(tx, scanRole, selectRole, name)
}

// Roles returns all roles by name.
func (tx *Tx) Roles() ([]Role, error) {
	return all(tx, scanRole, selectRoles)
}

// RolesByNames returns those of some roles that there are, by name and once each.
func (tx *Tx) RolesByNames(names []string) ([]Role, error) {
	return all(tx, scanRole, selectRolesByNames, texts(names))
}

// PutRole stores a role, in place of the one with its name if there is one, and tells whether there was none.
func (tx *Tx) PutRole(r Role) (bool, error) {
	n, err := tx.exec(insertRole, r.Name, r.Descriptor, millis(tx.Now))
	if err != nil || n > 0 {
		return n > 0, err
	}
	_, err = tx.exec(updateRole, r.Name, r.Descriptor, millis(tx.Now))
	return false, err
}

// DeleteRole removes a role and tells whether there was one.
func (tx *Tx) DeleteRole(name string) (bool, error) {
	n, err := tx.exec(deleteRole, name)
	return n > 0, err
}
