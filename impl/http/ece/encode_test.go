package ece

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	server "github.com/sallyport/sallyport/gen/ece"
)

// Ensures that responses that are sent directly are those of the generated code: header, status and bytes.
func TestSendDirectly(t *testing.T) {
	t.Parallel()
	texts := []string{"", "8d2a5f0c7b1e4a63", `"\/`, "<", ">", "&", "\x00\n\t\x7f", "äß€😀", "\u2028\u2029", "\xff\xed\xa0\x80"}
	times := []time.Time{
		time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
		time.Date(2026, 2, 1, 1, 2, 3, 4_500_000, time.FixedZone("", -3600)),
	}

	type visited interface {
		visit(w http.ResponseWriter) error
	}
	var all []visited
	for _, text := range texts {
		for _, trust := range []*server.AccountTrustSettings{nil, {TrustAll: true}, {}} {
			body := server.AccountResponse{ID: text, Trust: trust}
			all = append(all, accountAnswer{server.GetCurrentAccount200JSONResponse{
				AccountJSONResponse: server.AccountJSONResponse{Body: body},
			}})
		}
		for _, at := range times {
			body := server.TokenJSONResponse{Token: text, SessionExpirationTime: at}
			all = append(all, signedIn{server.Login200JSONResponse{TokenJSONResponse: body}})
		}
	}

	for _, each := range all {
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		if err := each.visit(want); err != nil {
			t.Fatal(err)
		}
		var response any
		switch r := each.(type) {
		case accountAnswer:
			response = r.GetCurrentAccount200JSONResponse
		case signedIn:
			response = r.Login200JSONResponse
		}
		c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), got)
		if sent, err := sendDirectly(c, response); !sent || err != nil {
			t.Errorf("%v: sent is %t, %v", response, sent, err)
		}
		if got.Code != want.Code || got.Body.String() != want.Body.String() ||
			got.Header().Get("Content-Type") != want.Header().Get("Content-Type") {
			t.Errorf("got %d %s, not %d %s", got.Code, got.Body, want.Code, want.Body)
		}
	}
}

type accountAnswer struct {
	server.GetCurrentAccount200JSONResponse
}

func (a accountAnswer) visit(w http.ResponseWriter) error { return a.VisitGetCurrentAccountResponse(w) }

type signedIn struct{ server.Login200JSONResponse }

func (s signedIn) visit(w http.ResponseWriter) error { return s.VisitLoginResponse(w) }

// Ensures that a response with a header of its own is left to the generated code.
func TestSendDirectly_Header(t *testing.T) {
	t.Parallel()
	expires := "2026-11-28T12:00:00Z"
	response := server.GetCurrentAccount200JSONResponse{AccountJSONResponse: server.AccountJSONResponse{
		Headers: server.AccountResponseHeaders{XElasticAPIKeyExpiration: &expires},
	}}
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
	if sent, err := sendDirectly(c, response); sent || err != nil {
		t.Errorf("sent is %t, %v", sent, err)
	}
}
