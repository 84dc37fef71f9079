package runtimeapi

import (
	"crypto/rand"
	"encoding/hex"
)

// newID makes the identifier of an attempt, an event or an extension: a random UUID, made for every event and so without ado.
func newID() string {
	var r [16]byte
	rand.Read(r[:])
	r[6], r[8] = r[6]&0x0f|0x40, r[8]&0x3f|0x80
	b := make([]byte, 0, 36)
	for i, part := range [][]byte{r[:4], r[4:6], r[6:8], r[8:10], r[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return string(b)
}
