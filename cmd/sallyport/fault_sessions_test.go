package main

import (
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// logIn creates the only session of a user.
func (m mixer) logIn(name string) (*change, error) {
	w := &change{call: call{method: http.MethodPost, path: tokenPath, body: grantBody(name)}}
	w.look = func(v view) (effect, error) {
		if w.result == acknowledged {
			if alive, err := v.alive("Bearer " + w.answer.text("access_token")); err != nil || !alive {
				return effect{}, fmt.Errorf("the session's token is valid: %t, %w", alive, err)
			}
		}
		counts, err := v.counts(name, countSessions, countTokens, countRefresh, countLogins)
		if err != nil {
			return effect{}, err
		}
		return whole([]string{"session.started " + name}, once(counts)...)
	}
	return w, m.addUser(name)
}

// once reports for each count whether it is 1. Any count but 0 and 1 makes the effect partial.
func once(counts []int) []bool {
	var signs []bool
	for _, n := range counts {
		signs = append(signs, n != 0)
		if n > 1 {
			signs = append(signs, true, false) // twice is neither applied nor unapplied
		}
	}
	return signs
}

// refresh uses a refresh token of a user's only session.
func (m mixer) refresh(name string) (*change, error) {
	if err := m.addUser(name); err != nil {
		return nil, err
	}
	_, refresh, err := m.grant(name)
	body := `{"grant_type": "refresh_token", "refresh_token": "` + refresh + `"}`
	w := &change{call: call{method: http.MethodPost, path: tokenPath, body: body}}
	w.look = func(v view) (effect, error) {
		if w.result == acknowledged {
			if alive, err := v.alive("Bearer " + w.answer.text("access_token")); err != nil || !alive {
				return effect{}, fmt.Errorf("the next token is valid: %t, %w", alive, err)
			}
		}
		counts, err := v.counts(name, countSessions, countRefresh, countTokens)
		if err != nil {
			return effect{}, err
		}
		used, err := v.counts(secret.Digest(refresh), countDigest)
		if err != nil {
			return effect{}, err
		}
		if counts[0] != 1 || counts[1] != 1 {
			return effect{}, fmt.Errorf("%w: %d sessions, %d refresh tokens", errHalf, counts[0], counts[1])
		}
		return whole(nil, used[0] == 0, counts[2] == 2)
	}
	return w, err
}

// logOut ends one of the operator's many sessions.
func (m mixer) logOut(string) (*change, error) {
	answer, err := m.ask(http.MethodPost, loginPath, loginBody(chief), http.StatusOK)
	session := "Bearer " + answer.text("token")
	return &change{call: call{method: http.MethodPost, path: authPath + "/_logout", authorization: session},
		look: func(v view) (effect, error) {
			alive, err := v.alive(session)
			if err != nil {
				return effect{}, err
			}
			return whole([]string{"session.ended " + chief.name}, !alive)
		}}, err
}
