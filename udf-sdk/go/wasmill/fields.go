package wasmill

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// field is a field of the state of a process function.
type field struct {
	name, sql, ttl string
	of             reflect.Type
	offset         uintptr
	// Whether it is a Null[T], and where in it Valid is.
	nullable bool
	valid    uintptr
	// The bytes and codes of a number, also in a Null; 0 of what is read by reflection.
	width int
	codes [2]uint32
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
		number := f.Type
		if all[i].nullable = isNullable(f.Type); all[i].nullable {
			number, all[i].valid = f.Type.Field(0).Type, f.Type.Field(1).Offset
		}
		if codes, ok := numberTypes[number]; ok {
			all[i].width, all[i].codes = int(number.Size()), codes
		}
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

// numberTypes are those whose values lie in columns as they are, with the codes of their columns.
var numberTypes = map[reflect.Type][2]uint32{}

func isNumber[T Value]() {
	a, b := codes[T]()
	numberTypes[reflect.TypeFor[T]()] = [2]uint32{a, b}
}

// Before the init functions of a module, which describe it.
func init() {
	isNumber[int8]()
	isNumber[int16]()
	isNumber[int32]()
	isNumber[int64]()
	isNumber[float32]()
	isNumber[float64]()
	isNumber[Date]()
	isNumber[Time]()
	isNumber[Timestamp]()
	isNumber[Decimal]()
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
