//go:build image

package main

// The container image has no file of root certificates. Without one, the program trusts Mozilla's, as of its build.
import _ "golang.org/x/crypto/x509roots/fallback"
