package schemacheck

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// Bind decodes text that a check has accepted into a variable, to which a pointer is given. It does what json.Unmarshal
// does, but that it does not ignore the case of names. For types other than strings, booleans, slices, pointers to them
// and structs, and for types that decode themselves, it calls encoding/json, which does ignore it: the check must be
// exact. Nothing in the variable refers to the text, unless a type keeps what its UnmarshalJSON is given.
func Bind(accepted []byte, into any) error {
	target := reflect.ValueOf(into).Elem()
	r := reader{text: accepted}
	return bindingOf(target.Type()).bind(&r, target)
}

// binding decodes values into variables of one type.
type binding struct {
	bind func(*reader, reflect.Value) error
}

// bindings holds the bindings by their type. They are complete: a recursive type refers to its own.
var (
	bindings        sync.Map
	buildingBinding sync.Mutex
)

func bindingOf(t reflect.Type) *binding {
	if b, known := bindings.Load(t); known {
		return b.(*binding)
	}

	buildingBinding.Lock()
	defer buildingBinding.Unlock()
	built := builder{}
	b := built.of(t)
	for t, each := range built {
		bindings.LoadOrStore(t, each)
	}
	return b
}

// builder builds the bindings of a type and of those in it.
type builder map[reflect.Type]*binding

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (built builder) of(t reflect.Type) *binding {
	if b, known := built[t]; known {
		return b
	}

	b := &binding{bind: bindOther}
	built[t] = b
	pointer := reflect.PointerTo(t)
	switch {
	case t.Kind() == reflect.Pointer:
		b.bind = bindPointer(built.of(t.Elem()))
	case pointer.Implements(jsonUnmarshaler):
		b.bind = bindUnmarshaler
	case pointer.Implements(textUnmarshaler):
	case t.Kind() == reflect.String:
		b.bind = bindString
	case t.Kind() == reflect.Bool:
		b.bind = bindBool
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		b.bind = bindSlice(built.of(t.Elem()))
	case t.Kind() == reflect.Struct:
		if fields, ok := built.fields(t); ok {
			b.bind = fields.bind
		}
	}
	return b
}

// bindOther decodes a value with encoding/json.
func bindOther(r *reader, v reflect.Value) error {
	return json.Unmarshal(r.raw(), v.Addr().Interface())
}

func bindUnmarshaler(r *reader, v reflect.Value) error {
	return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(r.raw())
}

func bindPointer(to *binding) func(*reader, reflect.Value) error {
	return func(r *reader, v reflect.Value) error {
		if r.next() == 'n' {
			r.scalar()
			v.SetZero()
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return to.bind(r, v.Elem())
	}
}

func bindString(r *reader, v reflect.Value) error {
	if r.next() != '"' {
		return bindOther(r, v)
	}
	v.SetString(string(r.content()))
	return nil
}

func bindBool(r *reader, v reflect.Value) error {
	switch r.next() {
	case 't', 'f':
		v.SetBool(r.scalar()[0] == 't')
		return nil
	}
	return bindOther(r, v)
}

func bindSlice(of *binding) func(*reader, reflect.Value) error {
	return func(r *reader, v reflect.Value) error {
		if r.next() != '[' {
			return bindOther(r, v)
		}
		r.at++
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for n := 0; r.more(']'); n++ {
			v.Grow(1)
			v.SetLen(n + 1)
			if err := of.bind(r, v.Index(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

// field is a field of a struct.
type field struct {
	name    string
	index   int
	binding *binding
}

type fields []field

// fields returns the fields of a struct that have values in JSON. It returns false if encoding/json has rules for the
// struct that are not implemented here.
func (built builder) fields(t reflect.Type) (fields, bool) {
	var found fields
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous, strings.Contains(options, "string"), f.IsExported() && name == "":
			return nil, false
		case !f.IsExported(), name == "-":
			continue
		}
		found = append(found, field{name, i, built.of(f.Type)})
	}
	return found, true
}

func (f fields) bind(r *reader, v reflect.Value) error {
	if r.next() != '{' {
		return bindOther(r, v)
	}
	r.at++
	for r.more('}') {
		if err := f.bindMember(r, v); err != nil {
			return err
		}
	}
	return nil
}

func (f fields) bindMember(r *reader, v reflect.Value) error {
	name := r.name()
	for i := range f {
		if f[i].name == string(name) {
			return f[i].binding.bind(r, v.Field(f[i].index))
		}
	}
	r.raw()
	return nil
}
