package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// keyUser is a user that signs in, and creates, uses and invalidates API keys, again and again. It keeps one key of
// each round.
type keyUser struct {
	balancedUser
	kept []string
}

func (c *keyUser) round(ctx context.Context) error {
	signedIn, err := c.ask(ctx, http.StatusOK, http.MethodPost, loginPath, "", loginBody(c.person))
	if err != nil {
		return err
	}
	session := fmt.Sprint("Bearer ", signedIn["token"])
	var made [2]string
	for i := range made {
		created, err := c.ask(ctx, http.StatusOK, http.MethodPost, "/_security/api_key", session, `{"name": "a key"}`)
		if err != nil {
			return err
		}
		made[i] = fmt.Sprint("ApiKey ", created["encoded"])
		if _, err := c.ask(ctx, http.StatusOK, http.MethodGet, authPath, made[i], ""); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		if _, err := c.ask(ctx, http.StatusOK, http.MethodDelete, "/_security/api_key", session,
			fmt.Sprintf(`{"ids": [%q], "owner": true}`, created["id"])); err != nil {
			return err
		}
	}
	c.kept = append(c.kept, made[0])
	return nil
}

// Ensures that two servers of the previous version are replaced one after the other, under load, without a failed
// request: the first new one migrates the schema beside both. No key is lost.
func TestUpgrade_UnderLoad(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, previousCommit, func(u upgrade) {
		b, sent := &balancer{}, &atomic.Int64{}
		b.put(u.serve(u.old))
		b.put(u.serve(u.old))
		var everyone []*keyUser
		var rounds []func(context.Context) error
		for i := range 4 {
			c := &keyUser{balancedUser: balancedUser{person{fmt.Sprintf("caller-%d", i), "a passphrase of its own"}, b, sent}}
			u.add(u.old, c.person, "ece_deployment_viewer")
			everyone = append(everyone, c)
			rounds = append(rounds, c.round)
		}

		stop := repeat(u.T, rounds...)
		for range 2 {
			b.put(u.serve(""))
			b.retire()
		}
		stop()

		kept := 0
		for _, c := range everyone {
			if len(c.kept) == 0 {
				u.Errorf("%s finished no round", c.name)
			}
			kept += len(c.kept)
			for _, key := range c.kept {
				b.servers[0].wantAuth(http.StatusOK, key)
			}
		}
		u.Logf("%d requests, none failed; %d keys kept", sent.Load(), kept)
	})
}
