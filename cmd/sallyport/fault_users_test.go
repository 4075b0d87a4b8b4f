package main

import (
	"net/http"
)

func (m mixer) createUser(name string) (*change, error) {
	body := `{"user_name": "` + name + `", "full_name": "new", "security": {"password": "` + alice.password +
		`", "roles": ["ece_deployment_viewer"]}}`
	return &change{call: call{method: http.MethodPost, path: usersPath, body: body}, look: func(v view) (effect, error) {
		found, _, err := v.get(usersPath + "/" + name)
		if err != nil {
			return effect{}, err
		}
		return whole([]string{"user.created " + name}, found)
	}}, nil
}

// changeUser changes a name and removes a role, each of which has its entry. Adding a role would be a promotion,
// which needs a password.
func (m mixer) changeUser(name string) (*change, error) {
	body := `{"full_name": "after", "security": {"roles": ["ece_deployment_viewer"]}}`
	return &change{call: call{method: http.MethodPatch, path: usersPath + "/" + name, body: body},
		look: func(v view) (effect, error) {
			_, answer, err := v.get(usersPath + "/" + name)
			if err != nil {
				return effect{}, err
			}
			security, _ := answer.members()["security"].(map[string]any)
			roles, _ := security["roles"].([]any)
			return whole([]string{"user.roles_changed " + name, "user.updated " + name}, answer.text("full_name") == "after",
				len(roles) == 1)
		}}, m.addUser(name, "ece_deployment_viewer", "ece_platform_viewer")
}

const (
	countSessions = "SELECT count(*) FROM sessions WHERE user_name = $1"
	countTokens   = "SELECT count(*) FROM session_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_name = " +
		"$1)"
	countRefresh = "SELECT count(*) FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_name = $1)"
	countLogins  = "SELECT count(*) FROM users WHERE name = $1 AND last_login_at <> 0"
	countDigest  = "SELECT count(*) FROM refresh_tokens WHERE digest = $1"
)

// disableUser disables a user with a session, which ends the session.
func (m mixer) disableUser(name string) (*change, error) {
	if err := m.addUser(name); err != nil {
		return nil, err
	}
	access, _, err := m.grant(name)
	return &change{call: call{method: http.MethodPut, path: nativePath + name + "/_disable"},
		look: func(v view) (effect, error) {
			answer, err := v.ask(http.MethodGet, nativePath+name, "", http.StatusOK)
			if err != nil {
				return effect{}, err
			}
			user, _ := answer.members()[name].(map[string]any)
			alive, err := v.alive("Bearer " + access)
			if err != nil {
				return effect{}, err
			}
			counts, err := v.counts(name, countSessions)
			if err != nil {
				return effect{}, err
			}
			return whole([]string{"user.disabled " + name}, user["enabled"] == false, !alive, counts[0] == 0)
		}}, err
}

// deleteUser deletes a user with a session.
func (m mixer) deleteUser(name string) (*change, error) {
	if err := m.addUser(name); err != nil {
		return nil, err
	}
	access, _, err := m.grant(name)
	return &change{call: call{method: http.MethodDelete, path: usersPath + "/" + name},
		look: func(v view) (effect, error) {
			found, _, err := v.get(usersPath + "/" + name)
			if err != nil {
				return effect{}, err
			}
			alive, err := v.alive("Bearer " + access)
			if err != nil {
				return effect{}, err
			}
			counts, err := v.counts(name, countSessions)
			if err != nil {
				return effect{}, err
			}
			return whole([]string{"user.deleted " + name}, !found, !alive, counts[0] == 0)
		}}, err
}

func (m mixer) putRole(name string) (*change, error) {
	return &change{call: call{method: http.MethodPut, path: rolePath + name, body: `{"cluster": ["monitor"]}`},
		look: func(v view) (effect, error) {
			found, _, err := v.get(rolePath + name)
			if err != nil {
				return effect{}, err
			}
			return whole([]string{"role.put " + name}, found)
		}}, nil
}

// putPrivileges puts two privileges in one request.
func (m mixer) putPrivileges(name string) (*change, error) {
	body := `{"` + name + `": {"read": {"actions": ["a:r"]}, "write": {"actions": ["a:w"]}}}`
	return &change{call: call{method: http.MethodPut, path: privilegePath, body: body},
		look: func(v view) (effect, error) {
			_, answer, err := v.get(privilegePath + "/" + name)
			if err != nil {
				return effect{}, err
			}
			privileges, _ := answer.members()[name].(map[string]any)
			return whole([]string{"application_privilege.put " + name + " read", "application_privilege.put " + name + " write"},
				privileges["read"] != nil, privileges["write"] != nil)
		}}, nil
}
