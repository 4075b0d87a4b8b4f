package metadata_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/platform/metadata"
)

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{``, ``, true},
		{``, `{}`, false},
		{`{"a":1.10}`, `{"a":1.1}`, true},
		{`{"a":1.10,"b":[2e1]}`, `{"a":1.1,"b":[2.0E+1]}`, true},
		{`{"a":0.0012}`, `{"a":1.2e-3}`, true},
		{`{"a":-0}`, `{"a":0}`, true},
		{`{"a":0e5}`, `{"a":0.0}`, true},
		{`{"a":1}`, `{"a":1.0}`, false},
		{`{"a":1.1}`, `{"a":-1.1}`, false},
		{`{"a":1.1}`, `{"a":1.11}`, false},
		{`{"a":10}`, `{"a":1}`, false},
		{`{"a":1.0}`, `{"a":1.0,"b":1}`, false},
		{`{"a":1e99999999999}`, `{"a":10e99999999998}`, false},
		{`{"a":"1.10"}`, `{"a":"1.1"}`, false},
		{`{"1.10":1}`, `{"1.1":1}`, false},
		{`{"a\\":1.10}`, `{"a\\":1.1}`, true},
		{`{"a\"1.10":1}`, `{"a\"1.1":1}`, false},
		{`{"a":true}`, `{"a":1}`, false},
	} {
		t.Run(c.a+" "+c.b, func(t *testing.T) {
			if got := metadata.Same(c.a, c.b); got != c.want {
				t.Errorf("got %t", got)
			}
			if got := metadata.Same(c.b, c.a); got != c.want {
				t.Errorf("the other way: got %t", got)
			}
		})
	}
}
