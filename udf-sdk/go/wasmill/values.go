package wasmill

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Row is a row of arguments.
type Row struct {
	columns []column
	row     int
}

// Len is the number of arguments.
func (r Row) Len() int { return len(r.columns) }

// Value is argument i, counted from 0: nil for NULL, else bool, int8 to int64, float32, float64, string, []byte, Date, Time, Timestamp,
// Decimal, []any (ARRAY, ROW) or Map. Intervals are int32 (months) and int64 (milliseconds). Texts stay until the call returns.
func (r Row) Value(i int) any {
	c := &r.columns[i]
	if c.flags&constant != 0 {
		return value(c, 0)
	}
	return value(c, r.row)
}

// HasNull says whether an argument is NULL.
func (r Row) HasNull() bool {
	for i := range r.columns {
		c := &r.columns[i]
		row := r.row
		if c.flags&constant != 0 {
			row = 0
		}
		if isNull(c, row) {
			return true
		}
	}
	return false
}

// Get is argument i as a T; it panics, and so fails the row, if the argument has another type.
func Get[T Value](r Row, i int) Null[T] {
	reader, err := newReader[T](&r.columns[i])
	if err != nil {
		panic(fmt.Sprintf("argument %d: %v", i, err))
	}
	return reader.get(r.row)
}

// Entry is a key and its value.
type Entry struct{ Key, Value any }

// Map is a MAP, or a MULTISET, whose values are int32, how often.
type Map []Entry

func isNull(c *column, row int) bool {
	return c.validity != 0 && *at[byte](c.validity + uint32(row>>3))>>(row&7)&1 == 0
}

func fixed[T any](c *column, row int) T {
	var zero T
	return *at[T](c.data + uint32(row)*uint32(unsafe.Sizeof(zero)))
}

func value(c *column, row int) any {
	if isNull(c, row) {
		return nil
	}
	var from, to int32
	switch c.code {
	case 9, 10, 17, 18, 20:
		ends := slice[int32](c.offsets+4*uint32(row), 2)
		from, to = ends[0], ends[1]
	}
	switch c.code {
	case 1:
		return *at[byte](c.data + uint32(row>>3))>>(row&7)&1 == 1
	case 2:
		return fixed[int8](c, row)
	case 3:
		return fixed[int16](c, row)
	case 4, 15:
		return fixed[int32](c, row)
	case 5, 16:
		return fixed[int64](c, row)
	case 6:
		return fixed[float32](c, row)
	case 7:
		return fixed[float64](c, row)
	case 8:
		return fixed[Decimal](c, row)
	case 9:
		bytes := slice[byte](c.data+uint32(from), int(to-from))
		return unsafe.String(unsafe.SliceData(bytes), len(bytes))
	case 10:
		bytes := slice[byte](c.data+uint32(from), int(to-from))
		if bytes == nil {
			return []byte{}
		}
		return bytes
	case 11:
		return fixed[Date](c, row)
	case 12:
		return fixed[Time](c, row)
	case 13, 14:
		return fixed[Timestamp](c, row)
	case 17:
		elements := at[column](c.children)
		all := make([]any, 0, to-from)
		for i := from; i < to; i++ {
			all = append(all, value(elements, int(i)))
		}
		return all
	case 18, 20:
		children := slice[column](c.children, 2)
		all := make(Map, 0, to-from)
		for i := from; i < to; i++ {
			all = append(all, Entry{value(&children[0], int(i)), value(&children[1], int(i))})
		}
		return all
	case 19:
		all := make([]any, c.childCount)
		for i := range slice[column](c.children, int(c.childCount)) {
			all[i] = value(&slice[column](c.children, int(c.childCount))[i], row)
		}
		return all
	}
	panic(fmt.Sprintf("a column of type %d came, which this SDK does not know", c.code))
}

// builder collects the values of a result column of any type.
type builder struct {
	code     uint32
	rows     int
	nulls    bool
	validity []byte
	data     []byte
	offsets  []int32
	children []*builder
}

func newBuilder(c *column) *builder {
	b := &builder{code: c.code}
	switch c.code {
	case 9, 10, 17, 18, 20:
		b.offsets = []int32{0}
	}
	children := slice[column](c.children, int(c.childCount))
	for i := range children {
		b.children = append(b.children, newBuilder(&children[i]))
	}
	return b
}

var names = [...]string{1: "BOOLEAN", 2: "TINYINT", 3: "SMALLINT", 4: "INT", 5: "BIGINT", 6: "FLOAT", 7: "DOUBLE", 8: "DECIMAL", 9: "STRING", 10: "BYTES",
	11: "DATE", 12: "TIME", 13: "TIMESTAMP", 14: "TIMESTAMP_LTZ", 15: "INTERVAL YEAR TO MONTH", 16: "INTERVAL DAY TO SECOND", 17: "ARRAY", 18: "MAP", 19: "ROW", 20: "MULTISET"}

var widths = [...]int{2: 1, 3: 2, 4: 4, 5: 8, 6: 4, 7: 8, 8: 16, 11: 4, 12: 4, 13: 8, 14: 8, 15: 4, 16: 8}

func raw[T any](b *builder, v T) {
	b.data = append(b.data, unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))...)
}

// add takes a value in the form of Row.Value, or a slice, map or Null of such values.
func (b *builder) add(v any) error {
	switch v.(type) {
	case nil, bool, int8, int16, int32, int64, float32, float64, string, []byte, []any, Map, Date, Time, Timestamp, Decimal:
		return b.put(v)
	}
	return b.put(given(reflect.ValueOf(v)))
}

// begin makes room for a row, which has a value, and gives its number.
func (b *builder) begin() int {
	row := b.rows
	b.rows++
	if row&7 == 0 {
		b.validity = append(b.validity, 0xff)
		if b.code == 1 {
			b.data = append(b.data, 0)
		}
	}
	return row
}

// number takes a value of the type that the column has.
func number[T any](b *builder, v T) {
	b.begin()
	raw(b, v)
}

func (b *builder) put(v any) error {
	row := b.begin()
	if v == nil {
		b.nulls = true
		b.validity[row>>3] &^= 1 << (row & 7)
		switch {
		case b.offsets != nil:
			b.offsets = append(b.offsets, b.offsets[row])
		case b.code == 19:
			for _, child := range b.children {
				if err := child.put(nil); err != nil {
					return err
				}
			}
		case b.code != 1:
			b.data = append(b.data, make([]byte, widths[b.code])...)
		}
		return nil
	}
	fits := true
	switch v := v.(type) {
	case bool:
		if fits = b.code == 1; fits && v {
			b.data[row>>3] |= 1 << (row & 7)
		}
	case int8:
		fits = b.code == 2
		raw(b, v)
	case int16:
		fits = b.code == 3
		raw(b, v)
	case int32:
		fits = b.code == 4 || b.code == 15
		raw(b, v)
	case int64:
		fits = b.code == 5 || b.code == 16
		raw(b, v)
	case float32:
		fits = b.code == 6
		raw(b, v)
	case float64:
		fits = b.code == 7
		raw(b, v)
	case Decimal:
		fits = b.code == 8
		raw(b, v)
	case string:
		fits = b.code == 9
		b.data = append(b.data, v...)
	case []byte:
		fits = b.code == 10
		b.data = append(b.data, v...)
	case Date:
		fits = b.code == 11
		raw(b, v)
	case Time:
		fits = b.code == 12
		raw(b, v)
	case Timestamp:
		fits = b.code == 13 || b.code == 14
		raw(b, v)
	case []any:
		fits = b.code == 17 || b.code == 19 && len(v) == len(b.children)
		for i, part := range v {
			if !fits {
				break
			}
			child := 0
			if b.code == 19 {
				child = i
			}
			if err := b.children[child].add(part); err != nil {
				return err
			}
		}
	case Map:
		fits = b.code == 18 || b.code == 20
		for _, entry := range v {
			if !fits {
				break
			}
			if err := b.children[0].add(entry.Key); err != nil {
				return err
			}
			if err := b.children[1].add(entry.Value); err != nil {
				return err
			}
		}
	default:
		fits = false
	}
	if !fits {
		return fmt.Errorf("a value of type %T was given for a result of type %s", v, names[b.code])
	}
	if b.offsets != nil {
		end := len(b.data)
		if len(b.children) > 0 {
			end = b.children[0].rows
		}
		b.offsets = append(b.offsets, int32(end))
	}
	return nil
}

func (b *builder) give(c *column) {
	c.length, c.nullCount, c.validity = uint32(b.rows), 0, 0
	if b.nulls {
		c.nullCount, c.validity = nullsUnknown, addressOf(b.validity)
	}
	if b.offsets != nil {
		c.offsets = addressOf(b.offsets)
	}
	if len(b.children) == 0 {
		c.data, c.dataBytes = addressOf(b.data), uint32(len(b.data))
	}
	children := slice[column](c.children, int(c.childCount))
	for i, child := range b.children {
		child.give(&children[i])
	}
}

// builders makes one for each result column.
func builders(o *result) []*builder {
	columns := slice[column](o.columns, int(o.columnCount))
	all := make([]*builder, len(columns))
	for i := range columns {
		all[i] = newBuilder(&columns[i])
	}
	return all
}

func giveAll(o *result, all []*builder) uint32 {
	kept.columns = kept.columns[:0]
	pointAll(o, all)
	return 0
}

// pointAll points a result to its columns, which are kept beside those of others.
func pointAll(o *result, all []*builder) {
	columns := slice[column](o.columns, int(o.columnCount))
	for i, b := range all {
		b.give(&columns[i])
		kept.columns = append(kept.columns, b)
	}
}

func addAll(all []*builder, values []any) error {
	if len(values) != len(all) {
		return fmt.Errorf("%d values were given for %d result columns", len(values), len(all))
	}
	for i, v := range values {
		if err := all[i].add(v); err != nil {
			return err
		}
	}
	return nil
}
