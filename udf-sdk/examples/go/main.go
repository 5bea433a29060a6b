// Functions in Go.
//
//	CREATE FUNCTION risk(amount DOUBLE, average DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE FUNCTION first_known(a STRING, b STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE TABLE FUNCTION words(line STRING) RETURNS TABLE (word STRING, place INT) LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE AGGREGATE FUNCTION weighted(x DOUBLE, weight BIGINT) RETURNS DOUBLE LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE MODEL nearest INPUT (x DOUBLE) OUTPUT (near DOUBLE, seen BIGINT) LABEL (truth DOUBLE) LANGUAGE WASM USING FILE 'functions.wasm';
package main

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"wasmill.example/functions/wasmill"
)

func main() {}

func init() {
	wasmill.Describe("risk", "DOUBLE", "DOUBLE", "DOUBLE")
	wasmill.Describe("initials", "STRING", "STRING")
	wasmill.Describe("begins", "BOOLEAN", "STRING", "STRING")
	wasmill.Describe("first_known", "STRING", "STRING", "STRING")
	wasmill.Describe("root", "DOUBLE", "DOUBLE")
	wasmill.Describe("is_weekend", "BOOLEAN", "DATE")
	wasmill.Describe("days_in_month", "INT", "INT")
	wasmill.Describe("sorted", "ARRAY<STRING>", "ARRAY<STRING>")
	wasmill.Describe("swapped", "ROW<a INT, b STRING, c MAP<STRING, DOUBLE>>", "ROW<a STRING, b INT, c MAP<STRING, DOUBLE>>")
	wasmill.Describe("same", "DECIMAL(10, 2)", "DECIMAL(10, 2)")
	wasmill.DescribeTable("words", []string{"word STRING", "place INT"}, "STRING")
	wasmill.DescribeAggregate("weighted", "DOUBLE", "DOUBLE", "BIGINT")
	wasmill.DescribeModel("nearest", []string{"x DOUBLE"}, []string{"near DOUBLE", "seen BIGINT"}, []string{"truth DOUBLE"})
}

//go:wasmexport risk
func risk(amount, average float64) float64 {
	return amount / (1 + math.Abs(average))
}

// The first letter of each word, in capitals; NULL where there is no word.
//
//go:wasmexport initials
func initials(name string) uint64 {
	var letters strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if first := []rune(word)[0]; unicode.IsLetter(first) {
			letters.WriteRune(unicode.ToUpper(first))
		}
	}
	if letters.Len() == 0 {
		return wasmill.NullText
	}
	return wasmill.Text(letters.String())
}

//go:wasmexport begins
func begins(text, with string) int32 {
	if strings.HasPrefix(text, with) {
		return 1
	}
	return 0
}

// The first that is not NULL.
//
//go:wasmexport first_known__cols
func firstKnown(in, out uint32) uint32 {
	return wasmill.Scalar2(in, out, func(a, b wasmill.Null[string]) (wasmill.Null[string], error) {
		if a.Valid {
			return a, nil
		}
		return b, nil
	})
}

// Refuses what is below zero.
//
//go:wasmexport root__cols
func root(in, out uint32) uint32 {
	return wasmill.Scalar1(in, out, func(x wasmill.Null[float64]) (wasmill.Null[float64], error) {
		if x.V < 0 {
			return x, errors.New("no root of " + strconv.FormatFloat(x.V, 'g', -1, 64))
		}
		return wasmill.Null[float64]{V: math.Sqrt(x.V), Valid: x.Valid}, nil
	})
}

// Whether a day is a Saturday or Sunday.
//
//go:wasmexport is_weekend__cols
func isWeekend(in, out uint32) uint32 {
	return wasmill.Scalar1(in, out, func(day wasmill.Null[wasmill.Date]) (wasmill.Null[bool], error) {
		weekday := ((int(day.V)+3)%7 + 7) % 7 // 0 is Monday
		return wasmill.Null[bool]{V: weekday >= 5, Valid: day.Valid}, nil
	})
}

// Panics on a month that there is not: the engine shows the message.
//
//go:wasmexport days_in_month
func daysInMonth(month int32) int32 {
	return [...]int32{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// The texts of an array in their order, NULLs last.
//
//go:wasmexport sorted__cols
func sorted(in, out uint32) uint32 {
	return wasmill.Scalar(in, out, func(row wasmill.Row) (any, error) {
		texts, ok := row.Value(0).([]any)
		if !ok {
			return nil, nil
		}
		slices.SortStableFunc(texts, func(a, b any) int {
			switch {
			case a == nil && b == nil:
				return 0
			case a == nil:
				return 1
			case b == nil:
				return -1
			}
			return strings.Compare(a.(string), b.(string))
		})
		return texts, nil
	})
}

// The first two fields change places; the map's values are doubled.
//
//go:wasmexport swapped__cols
func swapped(in, out uint32) uint32 {
	return wasmill.Scalar(in, out, func(row wasmill.Row) (any, error) {
		fields, ok := row.Value(0).([]any)
		if !ok {
			return nil, nil
		}
		if entries, ok := fields[2].(wasmill.Map); ok {
			for i, entry := range entries {
				if x, ok := entry.Value.(float64); ok {
					entries[i].Value = 2 * x
				}
			}
		}
		return []any{fields[1], fields[0], fields[2]}, nil
	})
}

//go:wasmexport same__cols
func same(in, out uint32) uint32 {
	return wasmill.Scalar(in, out, func(row wasmill.Row) (any, error) { return row.Value(0), nil })
}

//go:wasmexport words__cols
func words(in, out uint32) uint32 {
	return wasmill.Table(in, out, func(row wasmill.Row, emit func(...any)) error {
		for i, word := range strings.Fields(wasmill.Get[string](row, 0).V) {
			if word == "!" {
				return errors.New("a lone exclamation mark")
			}
			emit(word, int32(i+1))
		}
		return nil
	})
}

// An average in which each value counts as often as its weight says.
type average struct {
	sum    float64
	weight int64
}

var weighted = wasmill.Aggregate[average]{
	Add: func(s *average, row wasmill.Row) error {
		weight := wasmill.Get[int64](row, 1).V
		if weight < 0 {
			return errors.New("a weight below zero")
		}
		s.sum += wasmill.Get[float64](row, 0).V * float64(weight)
		s.weight += weight
		return nil
	},
	Retract: func(s *average, row wasmill.Row) error {
		weight := wasmill.Get[int64](row, 1).V
		s.sum -= wasmill.Get[float64](row, 0).V * float64(weight)
		s.weight -= weight
		return nil
	},
	Merge: func(into, from *average) {
		into.sum += from.sum
		into.weight += from.weight
	},
	Finish: func(s *average) (any, error) {
		if s.weight == 0 {
			return nil, nil
		}
		return s.sum / float64(s.weight), nil
	},
}

//go:wasmexport weighted__state_size
func weightedStateSize() uint32 { return weighted.StateSize() }

//go:wasmexport weighted__init
func weightedInit(states, groups, count uint32) { weighted.Init(states, groups, count) }

//go:wasmexport weighted__acc
func weightedAcc(states, groups, in, out uint32) uint32 { return weighted.Acc(states, groups, in, out) }

//go:wasmexport weighted__retract
func weightedRetract(states, groups, in, out uint32) uint32 {
	return weighted.Retracted(states, groups, in, out)
}

//go:wasmexport weighted__merge
func weightedMerge(states, into, from, count, out uint32) uint32 {
	return weighted.MergeGroups(states, into, from, count, out)
}

//go:wasmexport weighted__finish
func weightedFinish(states, groups, count, out uint32) uint32 {
	return weighted.Results(states, groups, count, out)
}

// A model that learns: the truth last seen whose x was the nearest, and how many it has seen.
var examples [][2]float64

func near(row wasmill.Row) ([]any, error) {
	x := wasmill.Get[float64](row, 0)
	var best any
	distance := math.Inf(1)
	for _, e := range examples {
		if d := math.Abs(e[0] - x.V); x.Valid && d <= distance {
			best, distance = e[1], d
		}
	}
	return []any{best, int64(len(examples))}, nil
}

func see(row wasmill.Row) error {
	examples = append(examples, [2]float64{wasmill.Get[float64](row, 0).V, wasmill.Get[float64](row, 1).V})
	return nil
}

//go:wasmexport nearest__predict__cols
func nearestPredict(in, out uint32) uint32 { return wasmill.Predict(in, out, near) }

//go:wasmexport nearest__learn
func nearestLearn(in, out uint32) uint32 { return wasmill.Learn(in, out, see) }

//go:wasmexport nearest__snapshot
func nearestSnapshot(out uint32) uint32 {
	bytes := []byte{1} // the version of this form
	for _, e := range examples {
		bytes = binary.LittleEndian.AppendUint64(bytes, math.Float64bits(e[0]))
		bytes = binary.LittleEndian.AppendUint64(bytes, math.Float64bits(e[1]))
	}
	return wasmill.Snapshot(out, bytes)
}

//go:wasmexport nearest__restore
func nearestRestore(address, bytes, out uint32) uint32 {
	return wasmill.Load(address, bytes, out, func(snapshot []byte) error {
		if len(snapshot)%16 != 1 || snapshot[0] != 1 {
			return errors.New("no snapshot of this model")
		}
		examples = nil
		for rest := snapshot[1:]; len(rest) > 0; rest = rest[16:] {
			x, truth := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
			examples = append(examples, [2]float64{math.Float64frombits(x), math.Float64frombits(truth)})
		}
		return nil
	})
}
