package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

func (m mixer) createKey(name string) (*change, error) {
	w := &change{call: call{
		method: http.MethodPost, path: esKeyPath, body: `{"name": "` + name + `", "metadata": {"n": 1}}`,
	}}
	w.look = func(v view) (effect, error) {
		if w.result == acknowledged {
			if alive, err := v.alive("ApiKey " + w.answer.text("encoded")); err != nil || !alive {
				return effect{}, fmt.Errorf("the key works: %t, %w", alive, err)
			}
		}
		keys, err := v.keys(`{"term": {"name": "` + name + `"}}`)
		if err != nil || len(keys) == 0 {
			return effect{}, err
		}
		if len(keys) > 1 {
			return effect{}, fmt.Errorf("there are %d keys for one", len(keys))
		}
		return whole([]string{fmt.Sprint("api_key.created ", keys[0]["id"])}, true)
	}
	return w, nil
}

// apiKey is one of the operator's keys.
type apiKey struct{ id, encoded string }

// newKeys creates several keys, and returns their ids as JSON, too.
func (m mixer) newKeys(name string, count int) (keys []apiKey, ids string, err error) {
	var list []string
	for range count {
		answer, err := m.ask(http.MethodPost, esKeyPath, `{"name": "of `+name+`"}`, http.StatusOK)
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, apiKey{answer.text("id"), answer.text("encoded")})
		list = append(list, answer.text("id"))
	}
	text, err := json.Marshal(list)
	return keys, string(text), err
}

func entriesOf(event string, keys []apiKey) []string {
	var entries []string
	for _, key := range keys {
		entries = append(entries, event+" "+key.id)
	}
	return entries
}

// updateKeys changes several keys in one request.
func (m mixer) updateKeys(name string) (*change, error) {
	keys, ids, err := m.newKeys(name, 5)
	body := `{"ids": ` + ids + `, "metadata": {"changed": true}, "role_descriptors": {"r": {"cluster": ["monitor"]}}}`
	return &change{call: call{method: http.MethodPost, path: esKeyPath + "/_bulk_update", body: body},
		look: func(v view) (effect, error) {
			found, err := v.keys(`{"ids": {"values": ` + ids + `}}`)
			if err != nil {
				return effect{}, err
			}
			var signs []bool
			for _, key := range found {
				metadata, _ := key["metadata"].(map[string]any)
				descriptors, _ := key["role_descriptors"].(map[string]any)
				signs = append(signs, metadata["changed"] == true, len(descriptors) == 1)
			}
			if len(found) != len(keys) {
				return effect{}, fmt.Errorf("%d of %d keys are left", len(found), len(keys))
			}
			return whole(entriesOf("api_key.updated", keys), signs...)
		}}, err
}

// invalidateKeys invalidates several keys in one request.
func (m mixer) invalidateKeys(name string) (*change, error) {
	keys, ids, err := m.newKeys(name, 3)
	return &change{call: call{method: http.MethodDelete, path: esKeyPath, body: `{"ids": ` + ids + `}`},
		look: func(v view) (effect, error) {
			found, err := v.keys(`{"ids": {"values": ` + ids + `}}`)
			if err != nil {
				return effect{}, err
			}
			var signs []bool
			for _, key := range found {
				signs = append(signs, key["invalidated"] == true)
			}
			for _, key := range keys {
				alive, err := v.alive("ApiKey " + key.encoded)
				if err != nil {
					return effect{}, err
				}
				signs = append(signs, !alive)
			}
			return whole(entriesOf("api_key.invalidated", keys), signs...)
		}}, err
}
