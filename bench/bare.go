package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is what a server sent, and what a bare one is to send.
type answer struct {
	Header map[string]string
	Body   []byte
}

func barePath(i int) string { return fmt.Sprintf("/%d", i) }

// serveBare serves answers with nothing but net/http.
func serveBare(address string, from io.Reader) error {
	var answers []answer
	if err := json.NewDecoder(from).Decode(&answers); err != nil {
		return err
	}
	mux := http.NewServeMux()
	for i, each := range answers {
		mux.HandleFunc(barePath(i), func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range each.Header {
				w.Header().Set(name, value)
			}
			w.Write(each.Body) //nolint:errcheck,gosec // a client that is gone needs no answer
		})
	}
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}
