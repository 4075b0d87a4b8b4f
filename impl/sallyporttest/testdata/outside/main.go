// Command outside tries to start a server for tests in a program that is no test.
package main

import "github.com/sallyport/sallyport/impl/sallyporttest"

func main() { sallyporttest.New(nil) }
