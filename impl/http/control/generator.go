package control

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
)

// generator makes the ids and secrets of a deterministic server. The same calls get the same bytes.
type generator struct {
	seed uint64

	mu    sync.Mutex
	draws map[string]int64
}

func newGenerator(seed uint64) *generator { return &generator{seed: seed, draws: map[string]int64{}} }

// Fill implements secret.Generator.
func (g *generator) Fill(purpose string, p []byte) (draw int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.draws[purpose]++
	draw = g.draws[purpose]
	key := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", g.seed, draw, purpose))
	_, _ = rand.NewChaCha8(key).Read(p) // never fails
	return draw
}

// state returns how often each purpose drew.
func (g *generator) state() map[string]int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.draws)
}

// set returns to a state. It returns a function that undoes it.
func (g *generator) set(draws map[string]int64) (undo func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.draws
	g.draws = maps.Clone(draws)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.draws = before
	}
}
