package wasmill

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unsafe"
)

// field is a field of the state of a process function.
type field struct {
	name, sql, ttl string
	of             reflect.Type
	offset         uintptr
	// Whether NULL is more than zero: a Null[T].
	nullable bool
}

type nullable interface{ isNullable() }

func (Null[T]) isNullable() {}

var nullableType = reflect.TypeFor[nullable]()

func isNullable(t reflect.Type) bool { return t.Kind() == reflect.Struct && t.Implements(nullableType) }

// fields gives those of S; they are found once.
func (p *Process[S]) fields() []field {
	if p.known == nil {
		p.known = fieldsOf(reflect.TypeFor[S]())
	}
	return p.known
}

const fieldsMax = 63

func fieldsOf(t reflect.Type) []field {
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("the state of a process function is a struct, not %v", t))
	}
	if t.NumField() > fieldsMax {
		panic(fmt.Sprintf("the state %v has %d fields; at most %d are possible", t, t.NumField(), fieldsMax))
	}
	all := make([]field, t.NumField())
	for i := range all {
		f := t.Field(i)
		all[i] = field{name: snakeCase(f.Name), ttl: f.Tag.Get("ttl"), of: f.Type, offset: f.Offset}
		all[i].nullable = isNullable(f.Type)
		if all[i].sql = f.Tag.Get("sql"); all[i].sql == "" {
			all[i].sql = sqlType(f.Type)
		}
		if all[i].sql == "" {
			panic(fmt.Sprintf("the SQL type of the field %s of %v is not known: a field is a bool, a sized number, string, []byte, Date, Time, "+
				"Null, a slice or a map of these; for Timestamp and Decimal write a tag `sql:\"TIMESTAMP(3)\"`", f.Name, t))
		}
	}
	return all
}

var sqlTypes = map[reflect.Type]string{
	reflect.TypeFor[bool](): "BOOLEAN", reflect.TypeFor[int8](): "TINYINT", reflect.TypeFor[int16](): "SMALLINT",
	reflect.TypeFor[int32](): "INT", reflect.TypeFor[int64](): "BIGINT", reflect.TypeFor[float32](): "FLOAT",
	reflect.TypeFor[float64](): "DOUBLE", reflect.TypeFor[string](): "STRING", reflect.TypeFor[[]byte](): "BYTES",
	reflect.TypeFor[Date](): "DATE", reflect.TypeFor[Time](): "TIME",
}

// sqlType is "" for a type that has none.
func sqlType(t reflect.Type) string {
	if known := sqlTypes[t]; known != "" {
		return known
	}
	switch {
	case isNullable(t):
		return sqlType(t.Field(0).Type)
	case t.Kind() == reflect.Slice:
		if element := sqlType(t.Elem()); element != "" {
			return "ARRAY<" + element + ">"
		}
	case t.Kind() == reflect.Map:
		if key, value := sqlType(t.Key()), sqlType(t.Elem()); key != "" && value != "" {
			return "MAP<" + key + ", " + value + ">"
		}
	}
	return ""
}

// snakeCase makes last_seen of lastSeen and LastSeen.
func snakeCase(name string) string {
	var text strings.Builder
	for i, c := range name {
		if unicode.IsUpper(c) && i > 0 {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToLower(c))
	}
	return text.String()
}

// describe is the field in the module's description.
func (f *field) describe() string {
	kind := "value"
	switch {
	case strings.HasPrefix(f.sql, "ARRAY<"):
		kind = "list"
	case strings.HasPrefix(f.sql, "MAP<"):
		kind = "map"
	}
	text := `{"name": ` + quoted(f.name) + `, "type": ` + quoted(f.sql) + `, "kind": ` + quoted(kind)
	if f.ttl != "" {
		text += `, "ttl": ` + quoted(f.ttl)
	}
	return text + "}"
}

// value is the field of a state, also one with a small letter.
func (f *field) value(state unsafe.Pointer) reflect.Value {
	return reflect.NewAt(f.of, unsafe.Add(state, f.offset)).Elem()
}

// readState fills a state, which is zero, and gives what was there.
func readState[S any](fields []field, columns []column, key int, state *S) ([]any, error) {
	before := make([]any, len(fields))
	for i := range fields {
		f := &fields[i]
		before[i] = value(&columns[i], key)
		if !assign(f.value(unsafe.Pointer(state)), before[i]) {
			return nil, fmt.Errorf("the field '%s' of the state is %s, which %v cannot hold", f.name, names[columns[i].code], f.of)
		}
	}
	return before, nil
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
		for _, entry := range v {
			key, value := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
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
		for entries := v.MapRange(); entries.Next(); {
			all = append(all, Entry{given(entries.Key()), given(entries.Value())})
		}
		// The order of a Go map is another one each time.
		return inOrder(all)
	}
	return v.Interface()
}

func inOrder(m Map) Map {
	slices.SortFunc(m, func(a, b Entry) int { return compare(reflect.ValueOf(a.Key), reflect.ValueOf(b.Key)) })
	return m
}

func compare(a, b reflect.Value) int {
	switch a.Kind() {
	case reflect.String:
		return strings.Compare(a.String(), b.String())
	case reflect.Float32, reflect.Float64:
		return cmp.Compare(a.Float(), b.Float())
	case reflect.Bool:
		return cmp.Compare(fmt.Sprint(a.Bool()), fmt.Sprint(b.Bool()))
	case reflect.Struct: // Decimal
		x, y := a.Interface().(Decimal), b.Interface().(Decimal)
		return cmp.Or(cmp.Compare(x.Hi, y.Hi), cmp.Compare(x.Lo, y.Lo))
	default:
		return cmp.Compare(a.Int(), b.Int())
	}
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

// writeState adds a row with the fields that are not as they were, or all.
func writeState[S any](fields []field, to []*builder, key int, state *S, before []any, all bool) error {
	values := make([]any, len(fields))
	var bits int64
	for i := range fields {
		f := &fields[i]
		now, then := given(f.value(unsafe.Pointer(state))), before[i]
		if !f.nullable {
			now, then = orNil(now), orNil(then)
		}
		if all || !same(now, then) {
			bits |= 1 << i
			values[i] = now
		}
	}
	if bits == 0 {
		return nil
	}
	return addAll(to, append([]any{int32(key), bits}, values...))
}
