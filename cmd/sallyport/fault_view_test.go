package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// view is what a server shows, and the database beside it.
type view struct {
	caller
	ctx      context.Context //nolint:containedctx // it lives as long as one look
	url      string
	operator string
	db       *sql.DB
}

// ask asks as the operator, and returns an error for all but the statuses.
func (v view) ask(method, path, body string, statuses ...int) (reply, error) {
	answer, err := v.send(v.ctx, v.url, call{method: method, path: path, authorization: v.operator, body: body})
	if err == nil && !slices.Contains(statuses, answer.status) {
		err = fmt.Errorf("%s %s: %d %s; want %d", method, path, answer.status, answer.body, statuses)
	}
	return answer, err
}

// get asks for what may not be there, and tells whether it is.
func (v view) get(path string) (found bool, answer reply, err error) {
	answer, err = v.ask(http.MethodGet, path, "", http.StatusOK, http.StatusNotFound)
	return answer.status == http.StatusOK, answer, err
}

// alive tells whether credentials are good.
func (v view) alive(authorization string) (bool, error) {
	v.operator = authorization
	answer, err := v.ask(http.MethodGet, authPath, "", http.StatusOK, http.StatusUnauthorized)
	return answer.status == http.StatusOK, err
}

// keys returns the API keys that a query finds, as Elasticsearch shows them.
func (v view) keys(query string) ([]map[string]any, error) {
	answer, err := v.ask(http.MethodPost, "/_security/_query/api_key", `{"size": 100, "query": `+query+`}`, http.StatusOK)
	var keys []map[string]any
	list, _ := answer.members()["api_keys"].([]any)
	for _, each := range list {
		key, _ := each.(map[string]any)
		keys = append(keys, key)
	}
	return keys, err
}

// counts returns what queries that count find, all of them about the same argument.
func (v view) counts(argument string, queries ...string) ([]int, error) {
	counts := make([]int, len(queries))
	for i, query := range queries {
		if err := v.db.QueryRowContext(v.ctx, query, argument).Scan(&counts[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
	}
	return counts, nil
}

// effect of a change, as it is seen.
type effect struct {
	applied bool
	// entries are what the audit trail has to say of it: events and subjects.
	entries []string
}

var errHalf = errors.New("it is half-applied")

// whole makes an effect of signs that are all of the same change.
func whole(entries []string, signs ...bool) (effect, error) {
	applied := !slices.Contains(signs, false)
	if !applied && slices.Contains(signs, true) {
		return effect{}, fmt.Errorf("%w: %v", errHalf, signs)
	}
	if !applied {
		entries = nil
	}
	return effect{applied, entries}, nil
}
