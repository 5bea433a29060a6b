// Functions in Go.
//
//	CREATE FUNCTION risk(amount DOUBLE, average DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
//	CREATE FUNCTION first_known(a STRING, b STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
package main

import (
	"errors"
	"math"
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
