package policyeval

import (
	"encoding/json"
	"fmt"
	"strconv"

	"redoubt/internal/policy"
)

// decide appends the answer to one line. ok is false when the line is malformed.
func (w *worker) decide(out, text []byte, tooLong bool) (_ []byte, ok bool) {
	err := fmt.Errorf("the line is longer than %d bytes", MaxLine)
	if tooLong {
		w.id = nil
	} else {
		err = w.parse(text)
	}
	out = w.appendID(out)
	if err != nil {
		out = append(out, `,"error":`...)
		return append(appendString(out, err.Error()), "}\n"...), false
	}
	d := policy.Evaluate(&w.request, &w.set)
	out = append(out, `,"decision":"`...)
	out = append(out, d.Effect.String()...)
	out = append(out, `","by":[`...)
	for i, s := range d.By {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendStatement(out, s)
	}
	return append(out, "]}\n"...), true
}

func (w *worker) appendID(out []byte) []byte {
	out = append(out, `{"id":`...)
	if w.id == nil {
		return append(out, "null"...)
	}
	return append(out, w.id...)
}

// appendStatement writes which document the statement is in, its index from 0, and its Sid if it has one.
func appendStatement(out []byte, s policy.Statement) []byte {
	out = append(out, `{"policy":`...)
	out = appendString(out, s.Policy)
	out = append(out, `,"statement":`...)
	out = strconv.AppendInt(out, int64(s.Index), 10)
	if s.Sid != "" {
		out = append(out, `,"sid":`...)
		out = appendString(out, s.Sid)
	}
	return append(out, '}')
}

// appendString writes a JSON string.
func appendString(out []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			quoted, _ := json.Marshal(s) // no string fails
			return append(out, quoted...)
		}
	}
	out = append(out, '"')
	return append(append(out, s...), '"')
}
