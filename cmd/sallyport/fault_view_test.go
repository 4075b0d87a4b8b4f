package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// view is the state that a server shows, and the database behind it.
type view struct {
	caller
	ctx      context.Context //nolint:containedctx // a view is used within one test
	url      string
	operator string
	db       *sql.DB
}

// ask sends a request as the operator, and returns an error unless the status is one of statuses.
func (v view) ask(method, path, body string, statuses ...int) (reply, error) {
	answer, err := v.send(v.ctx, v.url, call{method: method, path: path, authorization: v.operator, body: body})
	if err == nil && !slices.Contains(statuses, answer.status) {
		err = fmt.Errorf("%s %s: %d %s; want %d", method, path, answer.status, answer.body, statuses)
	}
	return answer, err
}

// get reads what may not exist, and reports whether it does.
func (v view) get(path string) (found bool, answer reply, err error) {
	answer, err = v.ask(http.MethodGet, path, "", http.StatusOK, http.StatusNotFound)
	return answer.status == http.StatusOK, answer, err
}

// alive reports whether credentials are valid.
func (v view) alive(authorization string) (bool, error) {
	v.operator = authorization
	answer, err := v.ask(http.MethodGet, authPath, "", http.StatusOK, http.StatusUnauthorized)
	return answer.status == http.StatusOK, err
}

// keys returns the API keys that match a query, as Elasticsearch shows them.
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

// counts returns the results of counting queries with the same argument.
func (v view) counts(argument string, queries ...string) ([]int, error) {
	counts := make([]int, len(queries))
	for i, query := range queries {
		if err := v.db.QueryRowContext(v.ctx, query, argument).Scan(&counts[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
	}
	return counts, nil
}

// effect is what is seen of a change.
type effect struct {
	applied bool
	// entries are the events and subjects that the audit trail must have.
	entries []string
}

var errHalf = errors.New("it is half-applied")

// whole returns an effect from signs that must all be equal.
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
