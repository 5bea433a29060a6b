package wasmill

import (
	"fmt"
	"reflect"
	"unsafe"
)

func rowsOf(in uint32) (columns []column, rows int) {
	b := at[batch](in)
	return slice[column](b.columns, int(b.columnCount)), int(b.rows)
}

// Scalar is the body of an export name__cols for any number of arguments of any types, nested ones too: f gives a value as
// Row.Value does, nil for NULL. An error fails the row.
func Scalar(in, out uint32, f func(row Row) (any, error)) uint32 {
	return Predict(in, out, func(row Row) ([]any, error) {
		v, err := f(row)
		return []any{v}, err
	})
}

// Table is the body of an export name__cols of a table function: f calls emit for each row that it gives, with a value for each
// column.
//
//	//go:wasmexport words__cols
//	func words(in, out uint32) uint32 {
//		return wasmill.Table(in, out, func(row wasmill.Row, emit func(...any)) error {
//			for i, word := range strings.Fields(wasmill.Get[string](row, 0).V) {
//				emit(word, int32(i))
//			}
//			return nil
//		})
//	}
func Table(in, out uint32, f func(row Row, emit func(values ...any)) error) uint32 {
	columns, rows := rowsOf(in)
	o := at[result](out)
	all := builders(o)
	var failed error
	for row := range rows {
		err := f(Row{columns, row}, func(values ...any) {
			if failed == nil {
				// Column 0 says which row of the batch this one belongs to.
				_ = all[0].add(int32(row))
				failed = addAll(all[1:], values)
			}
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return fail(o, err)
		}
	}
	o.rows = uint32(all[0].rows)
	return giveAll(o, all)
}

// Predict is the body of an export name__predict__cols of a model: f gives a value for each OUTPUT column. With a model that learns
// it is that of name__predict_learn__cols too, where the labels are the last values of the row.
func Predict(in, out uint32, f func(row Row) ([]any, error)) uint32 {
	columns, rows := rowsOf(in)
	o := at[result](out)
	all := builders(o)
	for row := range rows {
		values, err := f(Row{columns, row})
		if err == nil {
			err = addAll(all, values)
		}
		if err != nil {
			return fail(o, err)
		}
	}
	return giveAll(o, all)
}

// Learn is the body of an export name__learn: the labels are the last values of the row, and none of them is NULL.
func Learn(in, out uint32, f func(row Row) error) uint32 {
	columns, rows := rowsOf(in)
	for row := range rows {
		if err := f(Row{columns, row}); err != nil {
			return fail(at[result](out), err)
		}
	}
	return 0
}

// Snapshot is the body of an export name__snapshot: hands over all that was learnt.
func Snapshot(out uint32, learnt []byte) uint32 {
	o := at[result](out)
	all := builders(o)
	if err := addAll(all, []any{learnt}); err != nil {
		return fail(o, err)
	}
	return giveAll(o, all)
}

// Load is the body of an export name__load (the artifact) and of name__restore (a snapshot). f keeps no part of the bytes.
func Load(address, bytes, out uint32, f func([]byte) error) uint32 {
	if err := f(slice[byte](address, int(bytes))); err != nil {
		return fail(at[result](out), err)
	}
	return 0
}

// Aggregate is an aggregate function whose groups have a state S: numbers, and arrays and structs of them, whose size is a multiple of
// 8 bytes. A state is zero at first. Its methods are the bodies of the exports:
//
//	var mean = wasmill.Aggregate[state]{Add: …, Merge: …, Finish: …}
//
//	//go:wasmexport mean__state_size
//	func meanStateSize() uint32 { return mean.StateSize() }
//	//go:wasmexport mean__init
//	func meanInit(states, groups, count uint32) { mean.Init(states, groups, count) }
//	//go:wasmexport mean__acc
//	func meanAcc(states, groups, in, out uint32) uint32 { return mean.Acc(states, groups, in, out) }
//	//go:wasmexport mean__merge
//	func meanMerge(states, into, from, count, out uint32) uint32 { return mean.MergeGroups(states, into, from, count, out) }
//	//go:wasmexport mean__finish
//	func meanFinish(states, groups, count, out uint32) uint32 { return mean.Results(states, groups, count, out) }
//
// and mean__retract with the method Retracted, where Retract is there.
type Aggregate[S any] struct {
	// Add takes a row in. Rows with a NULL argument are left out, unless Nulls is set.
	Add func(state *S, row Row) error
	// Retract takes a row back that was added before; optional.
	Retract func(state *S, row Row) error
	// Merge adds what from holds, whose rows are the later ones; optional, but windows that overlap and sessions need it.
	Merge func(into, from *S)
	// Finish gives the result, nil for NULL; it leaves the state as it is.
	Finish func(state *S) (any, error)
	// Nulls lets Add and Retract see rows with NULLs.
	Nulls bool
}

func state[S any](states, group uint32) *S {
	var zero S
	return at[S](states + group*uint32(unsafe.Sizeof(zero)))
}

// StateSize is the body of name__state_size.
func (a *Aggregate[S]) StateSize() uint32 {
	var zero S
	if !plain(reflect.TypeOf(zero)) {
		panic(fmt.Sprintf("the state %T must be made of numbers: the engine copies its bytes", zero))
	}
	return uint32(unsafe.Sizeof(zero))
}

func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
	}
}

// Init is the body of name__init.
func (a *Aggregate[S]) Init(states, groups, count uint32) {
	var zero S
	for _, group := range slice[uint32](groups, int(count)) {
		*state[S](states, group) = zero
	}
}

func (a *Aggregate[S]) each(states, groups, in, out uint32, f func(*S, Row) error) uint32 {
	columns, rows := rowsOf(in)
	of := slice[uint32](groups, rows)
	for row := range rows {
		r := Row{columns, row}
		if !a.Nulls && r.HasNull() {
			continue
		}
		if err := f(state[S](states, of[row]), r); err != nil {
			return fail(at[result](out), err)
		}
	}
	return 0
}

// Acc is the body of name__acc.
func (a *Aggregate[S]) Acc(states, groups, in, out uint32) uint32 {
	return a.each(states, groups, in, out, a.Add)
}

// Retracted is the body of name__retract.
func (a *Aggregate[S]) Retracted(states, groups, in, out uint32) uint32 {
	return a.each(states, groups, in, out, a.Retract)
}

// MergeGroups is the body of name__merge.
func (a *Aggregate[S]) MergeGroups(states, into, from, count, out uint32) uint32 {
	froms := slice[uint32](from, int(count))
	for i, group := range slice[uint32](into, int(count)) {
		a.Merge(state[S](states, group), state[S](states, froms[i]))
	}
	return 0
}

// Results is the body of name__finish.
func (a *Aggregate[S]) Results(states, groups, count, out uint32) uint32 {
	o := at[result](out)
	all := builders(o)
	for _, group := range slice[uint32](groups, int(count)) {
		v, err := a.Finish(state[S](states, group))
		if err == nil {
			err = all[0].add(v)
		}
		if err != nil {
			return fail(o, err)
		}
	}
	return giveAll(o, all)
}
