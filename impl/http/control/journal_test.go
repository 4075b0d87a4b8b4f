package control

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Ensures that a journal is bounded, in the number of requests and in their bodies.
func TestJournal_Bounds(t *testing.T) {
	t.Parallel()
	j := &Journal{}
	for range maxRequests + 5 {
		j.add(httptest.NewRequest(http.MethodGet, "/first", nil), "", time.Now(), false).end()
	}
	body := `{"a": "` + strings.Repeat("x", maxRecorded) + `"}`
	r := httptest.NewRequest(http.MethodPost, "/last", strings.NewReader(body))
	e := j.add(r, "", time.Now(), false)
	if text, err := io.ReadAll(r.Body); err != nil || string(text) != body {
		t.Errorf("the body is read as %d bytes (%v)", len(text), err)
	}
	e.end()

	requests := j.Requests()
	if len(requests) != maxRequests {
		t.Errorf("there are %d requests", len(requests))
	}
	if last := requests[len(requests)-1]; last.Path != "/last" || last.Body != Masked {
		t.Errorf("the last one is %+v", last)
	}
}

// Ensures that what is read after the answer is not recorded, because it would not be masked.
func TestJournal_Late(t *testing.T) {
	t.Parallel()
	j := &Journal{}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"a": 1} {"password": "x"}`))
	e := j.add(r, "", time.Now(), false)
	if _, err := io.ReadFull(r.Body, make([]byte, len(`{"a": 1}`))); err != nil {
		t.Fatal(err)
	}
	e.answered(http.StatusOK)
	if _, err := io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	e.answered(http.StatusInternalServerError) // has no effect: the status was sent
	e.end()
	if got := j.Requests()[0]; got.Body != `{"a":1}` || got.Status != http.StatusOK {
		t.Errorf("the request is %+v", got)
	}
}
