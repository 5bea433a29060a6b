// Process functions: quiet, merchants and heartbeat as in ../c/process.c, top, with a list, and alarms, with every change of timers.
//
//	CREATE PROCESS FUNCTION quiet LANGUAGE WASM USING FILE 'functions.wasm';
//	SELECT * FROM quiet(input => TABLE payments PARTITION BY card ORDER BY ts);
package main

import (
	"errors"
	"math"
	"slices"

	"wasmill.example/functions/wasmill"
)

func init() {
	wasmill.DescribeProcess("quiet", &quiet, []string{"payments BIGINT", "total DOUBLE"}, "amount DOUBLE")
	wasmill.DescribeProcess("merchants", &merchants, []string{"merchant STRING", "number BIGINT"}, "merchant STRING")
	wasmill.DescribeProcess("heartbeat", &heartbeat, []string{"rows INT"})
	wasmill.DescribeProcess("top", &top, []string{"largest ARRAY<DOUBLE>", "stood BIGINT"}, "value DOUBLE")
	wasmill.DescribeProcess("alarms", &alarms, []string{"alarm STRING", "due BIGINT"}, "name STRING", "due BIGINT", "by_clock BOOLEAN")
}

const minuteMs = 60_000

// Ten minutes after the last payment of a card: how many there were since the card was quiet last, and their sum.
type quietState struct {
	payments int64
	total    float64
}

var quiet = wasmill.Process[quietState]{
	OnRow: func(state *quietState, call *wasmill.Call, row wasmill.Row) error {
		state.payments++
		state.total += wasmill.Get[float64](row, 0).V
		// The timer of that name is replaced. Without ORDER BY or on_time a row has no time.
		if now := call.Time(); now.Valid {
			call.SetTimer("quiet", now.V+10*minuteMs)
		}
		return nil
	},
	OnTimer: func(state *quietState, call *wasmill.Call, name string) error {
		call.Emit(state.payments, state.total)
		*state = quietState{}
		return nil
	},
	Nulls: true,
}

//go:wasmexport quiet__process
func quietProcess(in, state, out uint32) uint32 { return quiet.Rows(in, state, out) }

//go:wasmexport quiet__timer
func quietTimer(in, state, out uint32) uint32 { return quiet.Timers(in, state, out) }

// The merchants that a card paid for the first time, or for the first time again since it paid nowhere new for an hour, and how many
// they are.
type merchantsState struct {
	seen map[string]int64 `ttl:"1 h"`
}

var merchants = wasmill.Process[merchantsState]{
	OnRow: func(state *merchantsState, call *wasmill.Call, row wasmill.Row) error {
		merchant := wasmill.Get[string](row, 0).V
		if _, known := state.seen[merchant]; known {
			return nil
		}
		if state.seen == nil {
			state.seen = map[string]int64{}
		}
		number := int64(len(state.seen) + 1)
		state.seen[merchant] = number
		call.Emit(merchant, number)
		return nil
	},
}

//go:wasmexport merchants__process
func merchantsProcess(in, state, out uint32) uint32 { return merchants.Rows(in, state, out) }

// Every minute of event time from a row on, until the key had no row for three of them: how many rows there were in the minute.
type heartbeatState struct {
	rows int32
	// 0 where the heart does not beat, else one more than the minutes without a row.
	silent int32
}

func beat(call *wasmill.Call) {
	if now := call.Time(); now.Valid {
		call.SetTimer("m", now.V+minuteMs)
	}
}

var heartbeat = wasmill.Process[heartbeatState]{
	OnRow: func(state *heartbeatState, call *wasmill.Call, row wasmill.Row) error {
		if state.silent == 0 {
			beat(call)
		}
		state.rows++
		state.silent = 1
		return nil
	},
	OnTimer: func(state *heartbeatState, call *wasmill.Call, name string) error {
		call.Emit(state.rows)
		state.silent++
		if state.rows > 0 {
			state.silent = 1
		}
		state.rows = 0
		if state.silent > 3 {
			state.silent = 0
		} else {
			beat(call)
		}
		return nil
	},
}

//go:wasmexport heartbeat__process
func heartbeatProcess(in, state, out uint32) uint32 { return heartbeat.Rows(in, state, out) }

//go:wasmexport heartbeat__timer
func heartbeatTimer(in, state, out uint32) uint32 { return heartbeat.Timers(in, state, out) }

// The three largest values of a key whenever they change, and for how many milliseconds the ones before stood; NULL for the first. A key
// without a row for two hours of the job's clock is forgotten.
type topState struct {
	largest []float64           `ttl:"2 h"`
	changed wasmill.Null[int64] `ttl:"2 h"`
}

var top = wasmill.Process[topState]{
	OnRow: func(state *topState, call *wasmill.Call, row wasmill.Row) error {
		value := wasmill.Get[float64](row, 0).V
		if math.IsNaN(value) {
			return errors.New("NaN is neither large nor small")
		}
		// Each row counts, also one that changes nothing.
		call.Renew()
		place := len(state.largest)
		for place > 0 && state.largest[place-1] < value {
			place--
		}
		if place == 3 {
			return nil
		}
		state.largest = slices.Insert(state.largest, place, value)
		state.largest = state.largest[:min(3, len(state.largest))]
		now := call.Time()
		stood := wasmill.Null[int64]{V: now.V - state.changed.V, Valid: now.Valid && state.changed.Valid}
		state.changed = now
		call.Emit(state.largest, stood)
		return nil
	},
}

//go:wasmexport top__process
func topProcess(in, state, out uint32) uint32 { return top.Rows(in, state, out) }

// Alarms, as a table says: a name and when, in milliseconds since 1970; not by event time but by the job's clock where it says so. A name
// without a time takes the alarm back, and nothing at all takes all of them back.
var alarms = wasmill.Process[struct{}]{
	OnRow: func(_ *struct{}, call *wasmill.Call, row wasmill.Row) error {
		name, due := wasmill.Get[string](row, 0), wasmill.Get[int64](row, 1)
		switch {
		case due.Valid && wasmill.Get[bool](row, 2).V:
			call.SetProcessingTimer(name.V, due.V)
		case due.Valid:
			call.SetTimer(name.V, due.V)
		case name.Valid:
			call.ClearTimer(name.V)
		default:
			call.ClearTimers()
		}
		return nil
	},
	OnTimer: func(_ *struct{}, call *wasmill.Call, name string) error {
		call.Emit(wasmill.Null[string]{V: name, Valid: name != ""}, call.Time())
		return nil
	},
	Nulls: true,
}

//go:wasmexport alarms__process
func alarmsProcess(in, state, out uint32) uint32 { return alarms.Rows(in, state, out) }

//go:wasmexport alarms__timer
func alarmsTimer(in, state, out uint32) uint32 { return alarms.Timers(in, state, out) }
