package wire

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonWriter appends JSON to a buffer.
type jsonWriter struct {
	buf   []byte
	comma bool
}

func (w *jsonWriter) sep() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

func (w *jsonWriter) beginObject() { w.sep(); w.buf = append(w.buf, '{'); w.comma = false }
func (w *jsonWriter) endObject()   { w.buf = append(w.buf, '}'); w.comma = true }
func (w *jsonWriter) beginList()   { w.sep(); w.buf = append(w.buf, '['); w.comma = false }
func (w *jsonWriter) endList()     { w.buf = append(w.buf, ']'); w.comma = true }
func (w *jsonWriter) key(s string) { w.str(s); w.buf = append(w.buf, ':'); w.comma = false }
func (w *jsonWriter) str(s string) { w.sep(); w.buf = appendQuoted(w.buf, s) }
func (w *jsonWriter) int(n int64)  { w.sep(); w.buf = strconv.AppendInt(w.buf, n, 10) }
func (w *jsonWriter) bool(b bool)  { w.sep(); w.buf = strconv.AppendBool(w.buf, b) }
func (w *jsonWriter) null()        { w.sep(); w.buf = append(w.buf, "null"...) }

func (w *jsonWriter) float(f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.str(formatFloat(f, bits))
		return
	}
	w.sep()
	w.buf = strconv.AppendFloat(w.buf, f, 'g', -1, bits)
}

func (w *jsonWriter) blob(b []byte) {
	w.sep()
	w.buf = append(w.buf, '"')
	w.buf = base64.StdEncoding.AppendEncode(w.buf, b)
	w.buf = append(w.buf, '"')
}

// time writes seconds unless the model asks for another format.
func (w *jsonWriter) time(t time.Time, format string) {
	if format != "" && format != formatUnix {
		w.str(formatTime(t, format))
		return
	}
	w.sep()
	w.buf = append(w.buf, formatEpoch(t)...)
}

// formatFloat writes a number as text, the special ones by their names.
func formatFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}

// appendQuoted appends s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < 0x20 || c == '"' || c == '\\' || c == 0x7f {
				b = appendEscape(append(b, s[start:i]...), c)
				start = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(append(b, s[start:i]...), "\ufffd"...)
			start = i + 1
		}
		i += n
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
