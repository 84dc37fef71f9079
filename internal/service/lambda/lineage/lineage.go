// Package lineage counts in the X-Ray header of a chain of invocations how often each function has been in it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html. The header passes through the functions: runtimes give
// it to them, and the SDKs send it with what they call.
package lineage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Header is the name of the header.
const Header = "X-Amzn-Trace-Id"

const (
	field      = "Lineage="
	maxHeader  = 1 << 10
	maxEntries = 32
	maxCount   = 1<<15 - 1
)

// An entry is one function of a chain.
type entry struct {
	function string
	count    int
}

// Step returns the header that an invocation of the function passes on, and how many invocations of it came before in the
// same chain. Without a header it begins a chain; what it cannot read it leaves out.
func Step(header, functionARN string, now time.Time) (next string, before int) {
	fields, entries := parse(header)
	if len(fields) == 0 {
		fields = begin(now)
	}
	me, at := hash(functionARN), -1
	for i, e := range entries {
		if e.function == me {
			at, before = i, e.count+1
		}
	}
	if at >= 0 {
		entries[at].count = min(before, maxCount)
	} else {
		entries = append(entries, entry{function: me})
	}
	if extra := len(entries) - maxEntries; extra > 0 {
		entries = entries[extra:]
	}
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f)
		b.WriteByte(';')
	}
	b.WriteString(field)
	for i, e := range entries {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(e.function + ":" + strconv.Itoa(e.count))
	}
	return b.String(), before
}

// parse takes a header apart: its other fields, and the functions that it counts.
func parse(header string) (fields []string, entries []entry) {
	if len(header) > maxHeader {
		return nil, nil
	}
	if plain, err := url.PathUnescape(header); err == nil { // SDKs escape the bars
		header = plain
	}
	for f := range strings.SplitSeq(header, ";") {
		f = strings.TrimSpace(f)
		list, ok := strings.CutPrefix(f, field)
		switch {
		case ok:
			entries = append(entries, parseEntries(list)...)
		case strings.ContainsRune(f, '=') && !strings.ContainsFunc(f, control):
			fields = append(fields, f)
		}
	}
	return fields, entries
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func parseEntries(list string) (entries []entry) {
	for text := range strings.SplitSeq(list, "|") {
		parts := strings.Split(text, ":") // newer headers have the number of the entry first
		if len(parts) < 2 {
			continue
		}
		function := parts[len(parts)-2]
		count, err := strconv.Atoi(parts[len(parts)-1])
		if _, bad := hex.DecodeString(function); err == nil && bad == nil && count >= 0 {
			entries = append(entries, entry{function, min(count, maxCount)})
		}
	}
	return entries
}

// hash names a function without telling its name to those that are called.
func hash(functionARN string) string {
	sum := sha256.Sum256([]byte(functionARN))
	return hex.EncodeToString(sum[:4])
}

// begin makes the header of a chain that nobody traces.
func begin(now time.Time) []string {
	var random [20]byte
	rand.Read(random[:])
	id := hex.EncodeToString(random[:])
	return []string{fmt.Sprintf("Root=1-%08x-%s", now.Unix(), id[:24]), "Parent=" + id[24:], "Sampled=0"}
}
