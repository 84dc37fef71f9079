package secretsmanager

import (
	"fmt"
	"strings"
	"testing"
)

func TestValueCannotBePrinted(t *testing.T) {
	v := valueOf([]byte("hunter2"), false)
	holder := struct{ inner value }{v}
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, x := range []any{v, &v, holder, &holder} {
			if text := fmt.Sprintf(form, x); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") || strings.Contains(text, "104 117 110") {
				t.Errorf("%s prints %s", form, text)
			}
		}
	}
}
