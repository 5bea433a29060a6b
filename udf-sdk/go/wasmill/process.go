package wasmill

import (
	"errors"
	"unsafe"
)

// Process is a process function, which remembers a state S of each key: a struct whose fields are values, slices (lists) and maps. A field
// that was never written, or not for as long as its tag ttl says, is zero, and zero is written as NULL; Null[T] tells 0 from nothing. Its
// methods are the bodies of the exports:
//
//	type state struct {
//		payments int64
//		total    float64 `ttl:"1 d"`
//	}
//
//	var quiet = wasmill.Process[state]{OnRow: …, OnTimer: …}
//
//	//go:wasmexport quiet__process
//	func quietProcess(in, state, out uint32) uint32 { return quiet.Rows(in, state, out) }
//	//go:wasmexport quiet__timer
//	func quietTimer(in, state, out uint32) uint32 { return quiet.Timers(in, state, out) }
type Process[S any] struct {
	// OnRow takes a row of a key. Rows with a NULL argument are left out, unless Nulls is set.
	OnRow func(state *S, call *Call, row Row) error
	// OnTimer is called when a timer of the key fires, with its name, "" for one without; only where timers are set.
	OnTimer func(state *S, call *Call, name string) error
	// Nulls lets OnRow see rows with NULLs.
	Nulls bool

	known []field
}

// Call is what a row or a timer comes with, and where it gives rows and sets timers. Times are milliseconds since 1970-01-01 00:00 UTC
// (of a TIMESTAMP column as if in UTC).
type Call struct {
	time    Null[Timestamp]
	row     int
	renewed bool
	rows    []*builder
	timers  []*builder
	failed  error
}

// Time is the row's time, or the timer's; not valid where the query has neither ORDER BY nor on_time.
func (c *Call) Time() Null[int64] { return Null[int64]{int64(c.time.V), c.time.Valid} }

// Emit gives a row, a value for each column.
func (c *Call) Emit(values ...any) {
	if c.failed == nil {
		number(c.rows[0], int32(c.row))
		c.failed = addAll(c.rows[1:], values)
	}
}

// SetTimer sets a timer of event time, in the place of one of the same name. The name of one that is called "" is its time.
func (c *Call) SetTimer(name string, at int64) { c.timer(name, Null[int64]{at, true}, eventTime) }

// SetProcessingTimer is SetTimer in processing time, the job's clock.
func (c *Call) SetProcessingTimer(name string, at int64) {
	c.timer(name, Null[int64]{at, true}, processingTime)
}

// ClearTimer clears the key's timer of that name. One without a name goes only with all others.
func (c *Call) ClearTimer(name string) {
	if name == "" && c.failed == nil {
		c.failed = errors.New("ClearTimer needs a name; ClearTimers clears all timers of the key")
	}
	c.timer(name, Null[int64]{}, eventTime)
}

// ClearTimers clears all timers of the key.
func (c *Call) ClearTimers() { c.timer("", Null[int64]{}, eventTime) }

// Renew writes all fields of the state, also those that stay as they are: their TTL begins anew.
func (c *Call) Renew() { c.renewed = true }

const (
	eventTime      = int32(0)
	processingTime = int32(1)
)

// timer adds a change: without a time the timer of that name is cleared, without a name too all of them.
func (c *Call) timer(name string, at Null[int64], clock int32) {
	number(c.timers[0], int32(c.row))
	if name == "" {
		_ = c.timers[1].put(nil)
	} else {
		_ = c.timers[1].put(name)
	}
	if at.Valid {
		number(c.timers[2], at.V)
	} else {
		_ = c.timers[2].put(nil)
	}
	number(c.timers[3], clock)
}

// Rows is the body of name__process.
func (p *Process[S]) Rows(in, state, out uint32) uint32 {
	columns, _ := rowsOf(in)
	return p.run(in, state, out, func(s *S, call *Call) error {
		row := Row{columns[2:], call.row}
		if !p.Nulls && row.HasNull() {
			return nil
		}
		return p.OnRow(s, call, row)
	})
}

// Timers is the body of name__timer.
func (p *Process[S]) Timers(in, state, out uint32) uint32 {
	columns, _ := rowsOf(in)
	return p.run(in, state, out, func(s *S, call *Call) error {
		return p.OnTimer(s, call, Get[string](Row{columns, call.row}, 2).V)
	})
}

// remembered is the state of a key during a call.
type remembered[S any] struct {
	state S
	// The values of fields that are no numbers.
	others        []any
	read, renewed bool
}

func (p *Process[S]) run(in, state, out uint32, f func(*S, *Call) error) uint32 {
	const resultBytes = 32
	o, written, timers := at[result](out), at[result](out+resultBytes), at[result](out+2*resultBytes)
	columns, rows := rowsOf(in)
	stateColumns, keys := rowsOf(state)
	fields := p.fields()
	states := make([]remembered[S], keys)
	others := make([]any, keys*len(fields))
	call := Call{rows: builders(o), timers: builders(timers)}
	for row := range rows {
		of := Row{columns, row}
		key := int(Get[int32](of, 0).V)
		s := &states[key]
		if !s.read {
			s.read, s.others = true, others[key*len(fields):(key+1)*len(fields)]
			if err := readState(fields, stateColumns, key, unsafe.Pointer(&s.state), s.others); err != nil {
				return fail(o, err)
			}
		}
		call.row, call.time, call.renewed = row, Get[Timestamp](of, 1), false
		err := f(&s.state, &call)
		if err == nil {
			err = call.failed
		}
		if err != nil {
			return fail(o, err)
		}
		s.renewed = s.renewed || call.renewed
	}
	all := builders(written)
	for key := range states {
		if s := &states[key]; s.read {
			changed := changedFields(fields, stateColumns, key, unsafe.Pointer(&s.state), s.others)
			if s.renewed {
				changed = 1<<len(fields) - 1
			}
			if err := writeState(fields, all, key, unsafe.Pointer(&s.state), s.others, changed); err != nil {
				return fail(o, err)
			}
		}
	}
	kept.columns = kept.columns[:0]
	give(o, call.rows)
	give(written, all)
	give(timers, call.timers)
	return 0
}

// give is giveAll for a result of any length, beside others.
func give(o *result, all []*builder) {
	o.rows = uint32(all[0].rows)
	pointAll(o, all)
}
