package wasmill

import "unsafe"

// column is wm_column of ABI.md; addresses have 32 bits, Go's pointers here 64.
type column struct {
	code, flags, length, nullCount uint32
	validity, offsets, data        uint32
	dataBytes                      uint32
	children, childCount           uint32
	parameter                      uint32
	reserved                       [5]uint32
}

type batch struct{ rows, columnCount, columns, reserved uint32 }

type result struct {
	columns, columnCount, rows, error, errorBytes uint32
	reserved                                      [3]uint32
}

const (
	constant     = 1
	nullsUnknown = ^uint32(0)
)

func at[T any](address uint32) *T { return (*T)(unsafe.Pointer(uintptr(address))) }

func slice[T any](address uint32, length int) []T {
	if length == 0 {
		return nil
	}
	return unsafe.Slice(at[T](address), length)
}

func addressOf[T any](values []T) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(values))))
}

// reader reads the values of an argument.
type reader[T Value] struct {
	fixed    []T
	texts    []int32
	bits     []byte
	data     uint32
	validity []byte
	constant bool
	isBytes  bool
}

func codes[T Value]() (a, b uint32) {
	var zero T
	switch any(zero).(type) {
	case bool:
		return 1, 1
	case int8:
		return 2, 2
	case int16:
		return 3, 3
	case int32:
		return 4, 15
	case int64:
		return 5, 16
	case float32:
		return 6, 6
	case float64:
		return 7, 7
	case Decimal:
		return 8, 8
	case string:
		return 9, 9
	case []byte:
		return 10, 10
	case Date:
		return 11, 11
	case Time:
		return 12, 12
	default: // Timestamp
		return 13, 14
	}
}

type wrongType struct{}

func (wrongType) Error() string {
	return "an argument's or the result's SQL type is not the one that the Go function has"
}

func newReader[T Value](c *column) (reader[T], error) {
	var r reader[T]
	if a, b := codes[T](); c.code != a && c.code != b {
		return r, wrongType{}
	}
	n := int(c.length)
	r.constant = c.flags&constant != 0
	if c.validity != 0 {
		r.validity = slice[byte](c.validity, (n+7)/8)
	}
	switch c.code {
	case 1:
		r.bits = slice[byte](c.data, (n+7)/8)
	case 9, 10:
		r.texts, r.data, r.isBytes = slice[int32](c.offsets, n+1), c.data, c.code == 10
	default:
		r.fixed = slice[T](c.data, n)
	}
	return r, nil
}

func (r *reader[T]) get(row int) Null[T] {
	var v Null[T]
	if r.constant {
		row = 0
	}
	if r.validity != nil && r.validity[row>>3]>>(row&7)&1 == 0 {
		return v
	}
	v.Valid = true
	switch {
	case r.fixed != nil:
		v.V = r.fixed[row]
	case r.bits != nil:
		*(*bool)(unsafe.Pointer(&v.V)) = r.bits[row>>3]>>(row&7)&1 == 1
	default:
		// The bytes are the host's and stay until the call returns: a function that keeps them longer clones them.
		from, to := r.texts[row], r.texts[row+1]
		bytes := slice[byte](r.data+uint32(from), int(to-from))
		if r.isBytes {
			*(*[]byte)(unsafe.Pointer(&v.V)) = bytes
		} else if len(bytes) > 0 {
			*(*string)(unsafe.Pointer(&v.V)) = unsafe.String(&bytes[0], len(bytes))
		}
	}
	return v
}

// kept is the last result, which the host reads after the call.
var kept struct {
	columns []any
	message string
}

// writer collects a result column.
type writer[T Value] struct {
	fixed    []T
	bits     []byte
	offsets  []int32
	bytes    []byte
	validity []byte
	rows     int
}

func newWriter[T Value](rows int) *writer[T] {
	w := &writer[T]{rows: rows}
	switch code, _ := codes[T](); code {
	case 1:
		w.bits = make([]byte, (rows+7)/8)
	case 9, 10:
		w.offsets = make([]int32, rows+1)
		w.bytes = make([]byte, 0, 16*rows)
	default:
		w.fixed = make([]T, rows)
	}
	return w
}

func (w *writer[T]) put(row int, v Null[T]) {
	if !v.Valid {
		if w.validity == nil {
			w.validity = make([]byte, (w.rows+7)/8)
			for i := range w.validity {
				w.validity[i] = 0xff
			}
		}
		w.validity[row>>3] &^= 1 << (row & 7)
	}
	switch {
	case w.offsets != nil:
		if v.Valid {
			switch text := any(v.V).(type) {
			case string:
				w.bytes = append(w.bytes, text...)
			case []byte:
				w.bytes = append(w.bytes, text...)
			}
		}
		w.offsets[row+1] = int32(len(w.bytes))
	case w.bits != nil:
		if v.Valid && *(*bool)(unsafe.Pointer(&v.V)) {
			w.bits[row>>3] |= 1 << (row & 7)
		}
	case v.Valid:
		w.fixed[row] = v.V
	}
}

func (w *writer[T]) give(out *result) error {
	c := at[column](out.columns)
	if a, b := codes[T](); c.code != a && c.code != b {
		return wrongType{}
	}
	c.length, c.nullCount, c.validity = uint32(w.rows), 0, 0
	if w.validity != nil {
		c.nullCount, c.validity = nullsUnknown, addressOf(w.validity)
	}
	switch {
	case w.offsets != nil:
		c.offsets, c.data, c.dataBytes = addressOf(w.offsets), addressOf(w.bytes), uint32(len(w.bytes))
	case w.bits != nil:
		c.data, c.dataBytes = addressOf(w.bits), uint32(len(w.bits))
	default:
		var zero T
		c.data, c.dataBytes = addressOf(w.fixed), uint32(len(w.fixed))*uint32(unsafe.Sizeof(zero))
	}
	kept.columns = []any{w}
	return nil
}

func fail(out *result, err error) uint32 {
	kept.message = err.Error()
	out.error = uint32(uintptr(unsafe.Pointer(unsafe.StringData(kept.message))))
	out.errorBytes = uint32(len(kept.message))
	return 1
}

func scalar[R Value](in, out uint32, arguments int, function func(columns []column, rows int, w *writer[R]) error) uint32 {
	b, o := at[batch](in), at[result](out)
	if int(b.columnCount) != arguments {
		return fail(o, wrongType{})
	}
	w := newWriter[R](int(b.rows))
	if err := function(slice[column](b.columns, arguments), int(b.rows), w); err != nil {
		return fail(o, err)
	}
	if err := w.give(o); err != nil {
		return fail(o, err)
	}
	return 0
}

// Scalar1 is the body of an export name__cols of one argument: it calls f for each row. An error fails the row.
func Scalar1[A, R Value](in, out uint32, f func(Null[A]) (Null[R], error)) uint32 {
	return scalar(in, out, 1, func(columns []column, rows int, w *writer[R]) error {
		a, err := newReader[A](&columns[0])
		if err != nil {
			return err
		}
		for row := range rows {
			v, err := f(a.get(row))
			if err != nil {
				return err
			}
			w.put(row, v)
		}
		return nil
	})
}

// Scalar2 is Scalar1 for two arguments.
func Scalar2[A, B, R Value](in, out uint32, f func(Null[A], Null[B]) (Null[R], error)) uint32 {
	return scalar(in, out, 2, func(columns []column, rows int, w *writer[R]) error {
		a, err := newReader[A](&columns[0])
		if err != nil {
			return err
		}
		b, err := newReader[B](&columns[1])
		if err != nil {
			return err
		}
		for row := range rows {
			v, err := f(a.get(row), b.get(row))
			if err != nil {
				return err
			}
			w.put(row, v)
		}
		return nil
	})
}

// Scalar3 is Scalar1 for three arguments.
func Scalar3[A, B, C, R Value](in, out uint32, f func(Null[A], Null[B], Null[C]) (Null[R], error)) uint32 {
	return scalar(in, out, 3, func(columns []column, rows int, w *writer[R]) error {
		a, err := newReader[A](&columns[0])
		if err != nil {
			return err
		}
		b, err := newReader[B](&columns[1])
		if err != nil {
			return err
		}
		c, err := newReader[C](&columns[2])
		if err != nil {
			return err
		}
		for row := range rows {
			v, err := f(a.get(row), b.get(row), c.get(row))
			if err != nil {
				return err
			}
			w.put(row, v)
		}
		return nil
	})
}
