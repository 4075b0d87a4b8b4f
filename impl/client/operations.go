package client

import (
	"net/http"
	"net/url"
)

// traits describe an operation for the client.
type traits struct {
	// public is set if the operation needs no credentials.
	public bool
	// reads is set if the operation changes nothing.
	reads bool
	// repeatable is set if the operation may be sent again after the server may have carried it out.
	repeatable bool
	// credentials is set if the body has credentials: an answer of 401 may be about these, and not about the caller.
	credentials bool
	// redirects is set if a success may be a redirect, which is for a browser.
	redirects bool
	// document is set if a success is not JSON.
	document bool
}

// ServeHTTP is never called: traits are handlers, because http.ServeMux finds them by method and path.
func (traits) ServeHTTP(http.ResponseWriter, *http.Request) {}

// methods has the traits of operations that are not exceptions.
var methods = map[string]traits{
	http.MethodGet:    {reads: true, repeatable: true},
	http.MethodHead:   {reads: true, repeatable: true},
	http.MethodPut:    {repeatable: true},
	http.MethodDelete: {repeatable: true},
}

// exceptions has the operations with other traits than their method's.
var exceptions = map[string]traits{
	// Each request creates a key.
	"PUT /_security/api_key":                                               {},
	"PUT /_security/api_key/grant":                                         {credentials: true},
	"POST /_security/api_key/grant":                                        {credentials: true},
	"PUT /_security/api_key/clone":                                         {credentials: true},
	"POST /_security/api_key/clone":                                        {credentials: true},
	"PUT /_security/service/{namespace}/{service}/credential/token/{name}": {},

	// A new password ends the caller's sessions: a second request would be refused, although the first one succeeded.
	"PUT /_security/user/_password":            {},
	"PUT /_security/user/{username}/_password": {},

	// The second of two sessions replaces the first, of which the caller has no token. A refreshed token can be
	// refreshed again for a while.
	"POST /api/v1/users/auth/_login":   {public: true, repeatable: true, credentials: true, redirects: true},
	"POST /api/v1/users/auth/_refresh": {repeatable: true},
	"POST /api/v1/users/auth/_logout":  {repeatable: true},
	// A refresh token works once.
	"POST /_security/oauth2/token":      {credentials: true},
	"POST /_security/profile/_activate": {credentials: true},
	// The second request would not find the version that it expects.
	"PUT /_security/profile/{uid}/_data": {},

	"POST /_security/_query/api_key":                  {reads: true, repeatable: true},
	"POST /_security/_query/role":                     {reads: true, repeatable: true},
	"POST /_security/_query/user":                     {reads: true, repeatable: true},
	"POST /_security/user/_has_privileges":            {reads: true, repeatable: true},
	"POST /_security/user/{username}/_has_privileges": {reads: true, repeatable: true},
	"POST /_security/profile/_has_privileges":         {reads: true, repeatable: true},
	"POST /_security/profile/_suggest":                {reads: true, repeatable: true},
	"POST /_security/api_key/{ids}/_clear_cache":      {repeatable: true},

	"GET /api/v1/users/auth/saml/_init":          {public: true, reads: true, repeatable: true, redirects: true},
	"GET /api/v1/users/auth/saml/_single_logout": {public: true, redirects: true}, // a message is accepted once
	"POST /api/v1/users/auth/saml/_callback":     {public: true, credentials: true, redirects: true},
	"POST /api/v1/users/auth/saml/_token":        {public: true, credentials: true}, // a code works once
	"GET /api/v1/users/auth/saml/metadata":       {public: true, reads: true, repeatable: true, document: true},
	"GET /sso/token":                             {public: true, reads: true, repeatable: true, document: true},
	"GET /.well-known/jwks.json":                 {public: true, reads: true, repeatable: true},
	"POST /api/v1/auth/introspect":               {reads: true, repeatable: true},
	"POST /api/v1/auth/introspect/_batch":        {reads: true, repeatable: true},
	"GET /api/v1/users/auth/methods":             {public: true, reads: true, repeatable: true},
}

var operations = newOperations()

func newOperations() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, t := range exceptions {
		mux.Handle(pattern, t)
	}
	return mux
}

// traitsOf returns the traits of the operation with a method and a path in escaped form.
func traitsOf(method, path string) traits {
	u, err := url.Parse(path)
	if err != nil {
		return traits{}
	}
	handler, _ := operations.Handler(&http.Request{Method: method, URL: u})
	if t, ok := handler.(traits); ok {
		return t
	}
	return methods[method]
}
