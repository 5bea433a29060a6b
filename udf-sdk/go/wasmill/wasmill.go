// Package wasmill helps to write functions for wasmill in Go: texts and NULLs of plain functions, and functions that see whole
// columns. The contract is udf-sdk/ABI.md.
//
//	//go:wasmexport initials
//	func initials(name string) uint64 { return wasmill.Text(strings.ToUpper(name[:1])) }
//
//	//go:wasmexport first_known__cols
//	func firstKnown(in, out uint32) uint32 {
//		return wasmill.Scalar2(in, out, func(a, b wasmill.Null[string]) (wasmill.Null[string], error) {
//			if a.Valid {
//				return a, nil
//			}
//			return b, nil
//		})
//	}
//
// Scalar, Table, Predict, Aggregate and Process are the bodies of functions of every kind over columns of any type.
//
// Describe in an init function says what the module holds, so that CREATE FUNCTION may leave the signature out.
//
// A plain function takes and gives int32, int64, float32, float64 and bool (as int32), takes string, and gives a Text. It is not
// called for rows with a NULL argument. Build with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared.
package wasmill

import (
	"strings"
	"unsafe"
)

// Null is a value that may be NULL.
type Null[T any] struct {
	V     T
	Valid bool
}

// Of is a value that is not NULL.
func Of[T any](v T) Null[T] { return Null[T]{v, true} }

// Date is DATE: days since 1970-01-01.
type Date int32

// Time is TIME: milliseconds since midnight.
type Time int32

// Timestamp is TIMESTAMP or TIMESTAMP_LTZ, since 1970-01-01 00:00: milliseconds up to a precision of 3, microseconds up to 6, else
// nanoseconds.
type Timestamp int64

// Decimal is the unscaled value of a DECIMAL: Hi × 2^64 + Lo.
type Decimal struct {
	Lo uint64
	Hi int64
}

// Value is what a column function takes and gives. In a column of BYTES it is []byte.
type Value interface {
	bool | int8 | int16 | int32 | int64 | float32 | float64 | string | []byte | Date | Time | Timestamp | Decimal
}

// NullText is what a plain function returns for NULL.
const NullText = ^uint64(0)

var lastText string

// Text is what a plain function returns for STRING or BYTES. It stays until the next one.
func Text(text string) uint64 {
	lastText = text
	return uint64(len(text))<<32 | uint64(uintptr(unsafe.Pointer(unsafe.StringData(text))))
}

//go:wasmexport wm_abi
func abi() uint32 { return 1 }

// What the host was given, so that the collector keeps it.
var blocks = map[uint32][]byte{}

//go:wasmexport wm_alloc
func alloc(bytes, alignment uint32) uint32 {
	block := make([]byte, uint64(bytes)+uint64(alignment))
	start := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(block))))
	at := (start + alignment - 1) &^ (alignment - 1)
	blocks[at] = block
	return at
}

//go:wasmexport wm_free
func free(address, bytes, alignment uint32) { delete(blocks, address) }

var described strings.Builder

// Describe says what a function takes and gives, as SQL types: Describe("risk", "DOUBLE", "DOUBLE", "STRING") is risk(DOUBLE, STRING) RETURNS
// DOUBLE. Call it in an init function.
func Describe(name, returns string, arguments ...string) {
	line("scalar", name, arguments, `"returns": `+quoted(returns))
}

// DescribeAggregate is Describe for an aggregate function.
func DescribeAggregate(name, returns string, arguments ...string) {
	line("aggregate", name, arguments, `"returns": `+quoted(returns))
}

// DescribeTable is Describe for a table function; the columns of its result are written "word STRING".
func DescribeTable(name string, columns []string, arguments ...string) {
	line("table", name, arguments, `"returns": `+list(columns))
}

// DescribeModel is Describe for a model: its INPUT and OUTPUT columns, written "amount DOUBLE", and the labels if it learns.
func DescribeModel(name string, input, output, labels []string) {
	rest := `"returns": ` + list(output)
	if len(labels) > 0 {
		rest += `, "labels": ` + list(labels)
	}
	line("model", name, input, rest)
}

// DescribeProcess is Describe for a process function: the columns of its result, written "total DOUBLE", and its arguments, written
// "amount DOUBLE", as they are called in the table that the function is given. The state is described by the fields of S: their names in
// snake case, their types, and the tags ttl:"1 h" and sql:"TIMESTAMP(3)".
func DescribeProcess[S any](name string, process *Process[S], columns []string, arguments ...string) {
	fields := process.fields()
	state := make([]string, len(fields))
	for i := range fields {
		state[i] = fields[i].describe()
	}
	line("process", name, arguments, `"returns": `+list(columns)+`, "state": [`+strings.Join(state, ", ")+"]")
}

func line(kind, name string, arguments []string, rest string) {
	described.WriteString(`{"name": ` + quoted(name) + `, "kind": "` + kind + `", "arguments": ` + list(arguments) + ", " + rest + "}\n")
}

func quoted(text string) string { return `"` + text + `"` }

// list is a JSON list of types, each with or without a name before it: names have small letters, types have not.
func list(parts []string) string {
	all := make([]string, len(parts))
	for i, part := range parts {
		name, ty, named := strings.Cut(part, " ")
		if named && name == strings.ToLower(name) {
			all[i] = `{"name": ` + quoted(name) + `, "type": ` + quoted(ty) + `}`
		} else {
			all[i] = quoted(part)
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

//go:wasmexport wm_describe
func describe() uint64 { return Text(described.String()) }
