// Package interop holds nothing but tests: the official Go clients of Elasticsearch, versions 8 and 9, typed and low-level,
// against the program as it is run. It is a module of its own, so that the clients are no dependency of the server's.
//
// The scenarios are written once. They call operations with JSON bodies, and compare JSON answers; what makes a client's
// own request of a body, and JSON of its answer, is written for each client. So each body passes through the client's types
// on its way out, and each answer on its way in.
//
// Sign-ins are tested with an identity provider that is not ours, and with a browser. The folder saml has what npm fetches for
// that. Where node, that or a browser is missing, these tests are skipped, unless the environment has CI.
package interop
