package wasmill

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// value is the field of a state, also one with a small letter.
func (f *field) value(state unsafe.Pointer) reflect.Value {
	return reflect.NewAt(f.of, unsafe.Add(state, f.offset)).Elem()
}

// number is the bytes of a field of a state that is one, nil for NULL.
func (f *field) number(state unsafe.Pointer) []byte {
	at := unsafe.Add(state, f.offset)
	return f.orNil(unsafe.Slice((*byte)(at), f.width), f.nullable && *(*bool)(unsafe.Add(at, f.valid)))
}

// kept is the same of what the column has.
func (f *field) kept(c *column, key int) []byte {
	if isNull(c, key) {
		return nil
	}
	return f.orNil(slice[byte](c.data+uint32(key*f.width), f.width), f.nullable)
}

func (f *field) orNil(number []byte, valid bool) []byte {
	if valid || !f.nullable && slices.ContainsFunc(number, func(b byte) bool { return b != 0 }) {
		return number
	}
	return nil
}

// readState fills a state, which is zero; the values of fields that are no numbers go to others.
func readState(fields []field, columns []column, key int, state unsafe.Pointer, others []any) error {
	for i := range fields {
		f, c := &fields[i], &columns[i]
		fits := true
		if f.width > 0 {
			fits = c.code == f.codes[0] || c.code == f.codes[1]
			if number := f.kept(c, key); fits && number != nil {
				at := unsafe.Add(state, f.offset)
				copy(unsafe.Slice((*byte)(at), f.width), number)
				if f.nullable {
					*(*bool)(unsafe.Add(at, f.valid)) = true
				}
			}
		} else {
			others[i] = value(c, key)
			fits = assign(f.value(state), others[i])
		}
		if !fits {
			return fmt.Errorf("the field '%s' of the state is %s, which %v cannot hold", f.name, names[c.code], f.of)
		}
	}
	return nil
}

// changedFields has a bit for each field that is not as it was; the values now of fields that are no numbers go to others.
func changedFields(fields []field, columns []column, key int, state unsafe.Pointer, others []any) (changed int64) {
	for i := range fields {
		f := &fields[i]
		var as bool
		if f.width > 0 {
			now, then := f.number(state), f.kept(&columns[i], key)
			as = (now == nil) == (then == nil) && bytes.Equal(now, then)
		} else {
			now, then := given(f.value(state)), others[i]
			if !f.nullable {
				now, then = orNil(now), orNil(then)
			}
			as = same(now, then)
			others[i] = now
		}
		if !as {
			changed |= 1 << i
		}
	}
	return changed
}

// writeState adds a row with the fields whose bits are set, if there are any.
func writeState(fields []field, to []*builder, key int, state unsafe.Pointer, others []any, changed int64) error {
	if changed == 0 {
		return nil
	}
	number(to[0], int32(key))
	number(to[1], changed)
	for i := range fields {
		f, b, v := &fields[i], to[i+2], others[i]
		if changed>>i&1 == 0 {
			v = nil
		} else if f.width > 0 {
			if bytes := f.number(state); bytes != nil {
				b.begin()
				b.data = append(b.data, bytes...)
				continue
			}
		}
		if err := b.put(v); err != nil {
			return err
		}
	}
	return nil
}

// assign sets a zero value; false where it is of another type.
func assign(to reflect.Value, v any) bool {
	if v == nil {
		return true
	}
	if isNullable(to.Type()) {
		to.Field(1).SetBool(true)
		return assign(to.Field(0), v)
	}
	switch v := v.(type) {
	case []any:
		if to.Kind() != reflect.Slice {
			return false
		}
		to.Set(reflect.MakeSlice(to.Type(), len(v), len(v)))
		for i, element := range v {
			if !assign(to.Index(i), element) {
				return false
			}
		}
		return true
	case Map:
		if to.Kind() != reflect.Map {
			return false
		}
		to.Set(reflect.MakeMapWithSize(to.Type(), len(v)))
		key, value := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
		for _, entry := range v {
			key.SetZero()
			value.SetZero()
			if !assign(key, entry.Key) || !assign(value, entry.Value) {
				return false
			}
			to.SetMapIndex(key, value)
		}
		return true
	case []byte:
		// The function may change it in its place.
		return assignable(to, bytes.Clone(v))
	default:
		return assignable(to, v)
	}
}

func assignable(to reflect.Value, v any) bool {
	from := reflect.ValueOf(v)
	if from.Type() != to.Type() {
		return false
	}
	to.Set(from)
	return true
}

// given is a value in the form of Row.Value.
func given(v reflect.Value) any {
	if v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if isNullable(v.Type()) {
		if !v.Field(1).Bool() {
			return nil
		}
		return given(v.Field(0))
	}
	switch {
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		all := make([]any, v.Len())
		for i := range all {
			all[i] = given(v.Index(i))
		}
		return all
	case v.Kind() == reflect.Map:
		all := make(Map, 0, v.Len())
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		for entries := v.MapRange(); entries.Next(); {
			key.SetIterKey(entries)
			value.SetIterValue(entries)
			all = append(all, Entry{given(key), given(value)})
		}
		// The order of a Go map is another one each time.
		return inOrder(all)
	}
	return v.Interface()
}

func inOrder(m Map) Map {
	slices.SortFunc(m, func(a, b Entry) int { return compare(a.Key, b.Key) })
	return m
}

func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case bool:
		if a == b.(bool) {
			return 0
		}
		if a {
			return 1
		}
		return -1
	case Decimal:
		b := b.(Decimal)
		return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.CanFloat() {
		return cmp.Compare(x.Float(), y.Float())
	}
	return cmp.Compare(x.Int(), y.Int())
}

// same says whether two values, as given or read, are the same; numbers are by their bits.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case float32:
		b, ok := b.(float32)
		return ok && math.Float32bits(a) == math.Float32bits(b)
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case Map:
		b, ok := b.(Map)
		return ok && slices.EqualFunc(a, inOrder(b), func(a, b Entry) bool { return same(a.Key, b.Key) && same(a.Value, b.Value) })
	default:
		return a == b
	}
}

// orNil is what a field that is no Null gives for its value: nil for zero.
func orNil(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
	case Map:
		if len(v) == 0 {
			return nil
		}
	case []byte:
		if len(v) == 0 {
			return nil
		}
	default:
		if reflect.ValueOf(v).IsZero() {
			return nil
		}
	}
	return v
}
