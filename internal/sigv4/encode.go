package sigv4

const upperHex = "0123456789ABCDEF"

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// unreserved reports whether a byte is never percent-encoded (RFC 3986, section 2.3).
func unreserved(c byte) bool {
	return alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// appendEncoded appends one byte, percent-encoded unless unreserved.
func appendEncoded(dst []byte, c byte) []byte {
	if unreserved(c) {
		return append(dst, c)
	}
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// appendCanonical appends an already encoded component in the one encoding that SigV4 signs: unreserved bytes as they
// are, all others percent-encoded in upper case, whatever the client did on the wire. plus is what '+' stands for. With
// slash, '/' stays (and an encoded one stays encoded, since it means another path). It is false for a broken escape.
func appendCanonical(dst []byte, s string, plus byte, slash bool) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || unhex(s[i+1]) > 15 || unhex(s[i+2]) > 15 {
				return dst, false
			}
			dst = appendEncoded(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		case c == '+':
			dst = appendEncoded(dst, plus)
		case c == '/' && slash:
			dst = append(dst, c)
		default:
			dst = appendEncoded(dst, c)
		}
	}
	return dst, true
}

// unhex returns the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// hash256 reports whether s is a SHA-256 in lower-case hex.
func hash256(s string) bool {
	for i := range len(s) {
		if c := s[i]; unhex(c) > 15 || c < '0' || 'A' <= c && c <= 'F' {
			return false
		}
	}
	return len(s) == 64
}
