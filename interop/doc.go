// Package interop has nothing but tests: the official Go clients of Elasticsearch, versions 8 and 9, typed and
// low-level, and that of ECE, against the running program. It is a separate module, so that the server does not depend
// on the clients.
//
// The scenarios of Elasticsearch's clients are written once. They call operations with JSON bodies, and compare JSON
// answers; for each client, code converts a body to the client's request and its answer to JSON. So each body and each
// answer passes through the client's types.
//
// ECE's official Go client, cloud-sdk-go, calls each operation that it shares with the server. It validates the answers
// itself, and has a type for each refusal that ECE declares.
//
// Sign-ins are tested with an external identity provider, and with a browser. The folder saml has npm's files for
// that. Without node, the provider or a browser, these tests are skipped, unless the environment has CI.
//
// Elasticsearch's official clients for JavaScript, versions 8 and 9, call each operation that is served in their
// version. The folder javascript has npm's files, and the program that they run in.
package interop
