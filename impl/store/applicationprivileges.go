package store

// ApplicationPrivilege is an application's name for a set of its actions. Application and Name together are the key.
type ApplicationPrivilege struct {
	Application string
	Name        string
	Actions     []string
	// Metadata is a JSON object, or empty if none was given.
	Metadata string
}

// The statements on these records.
var (
	selectApplicationPrivileges = prepare(`SELECT application, name, actions, metadata FROM application_privileges
		ORDER BY application, name`)
	insertApplicationPrivilege = prepare(`INSERT INTO application_privileges (application, name, actions, metadata)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (application, name) DO NOTHING`)
	updateApplicationPrivilege = prepare(`UPDATE application_privileges SET actions = $3, metadata = $4
		WHERE application = $1 AND name = $2`)
	deleteApplicationPrivilege = prepare(`DELETE FROM application_privileges WHERE application = $1 AND name = $2`)
)

// All returns all privileges by application and name.
func (t ApplicationPrivileges) All() ([]ApplicationPrivilege, error) {
	return all(t.tx, func(p *ApplicationPrivilege) []any {
		return []any{&p.Application, &p.Name, (*list[string])(&p.Actions), &p.Metadata}
	}, selectApplicationPrivileges)
}

// Put stores a privilege, in place of the one with its key if there is one, and reports whether there was none.
func (t ApplicationPrivileges) Put(p ApplicationPrivilege) (bool, error) {
	return t.tx.put(insertApplicationPrivilege, updateApplicationPrivilege,
		p.Application, p.Name, list[string](p.Actions), p.Metadata)
}

// Delete removes a privilege and reports whether there was one.
func (t ApplicationPrivileges) Delete(application, name string) (bool, error) {
	return t.tx.changes(deleteApplicationPrivilege, application, name)
}
