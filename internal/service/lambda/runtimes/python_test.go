package runtimes_test

import (
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimes"
)

func TestPythonQuick(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, spec{handler: "app.handler", files: map[string]string{"app.py": `
import logging
def handler(event, context):
    print("hello")
    logging.getLogger().warning("w\nx")
    if event.get("raise"):
        raise ValueError("boom\nagain")
    return {"é": event, "d": b"x"}
`}})
		a := p.invoke(`{"x":[1,2.5,null,true,"ü"]}`)
		t.Log(body(a), p.log())
		a = p.invoke(`{"raise":1}`)
		t.Log(body(a), strings.ReplaceAll(p.log(), "\r", "<CR>"))
	})
}
