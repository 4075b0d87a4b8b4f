package ece

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"

	server "github.com/sallyport/sallyport/gen/ece"
)

const signInPagePath = "/sso/token"

// The page is one file. Its policy allows its own script and style by their hashes, so the browser runs nothing else.
var (
	//go:embed page.html
	page       []byte
	pagePolicy = fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'", inlineHash("script"), inlineHash("style"))
)

// inlineHash returns the hash of the page's only element of a name, in the form of a Content-Security-Policy.
func inlineHash(element string) string {
	_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	sum := sha256.Sum256(text)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// SignInPage implements the generated interface.
func (a *API) SignInPage(context.Context, server.SignInPageRequestObject) (server.SignInPageResponseObject, error) {
	return signInPage{}, nil
}

// signInPage is the generated response with the page's own headers.
type signInPage struct{}

// VisitSignInPageResponse implements server.SignInPageResponseObject.
func (signInPage) VisitSignInPageResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(page)
	return err
}
