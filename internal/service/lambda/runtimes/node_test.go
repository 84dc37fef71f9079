package runtimes_test

import (
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimes"
)

func TestNodeQuick(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, spec{handler: "index.handler", files: map[string]string{"index.js": `
exports.handler = async (event, context) => {
    console.log("hello %s\nx", event.x);
    if (event.raise) throw new TypeError("boom");
    return {"é": event, context};
}`}})
		a := p.invoke(`{"x":[1,2.5,null,true,"ü"]}`)
		t.Log(body(a), p.log())
		a = p.invoke(`{"raise":1}`)
		t.Log(body(a), strings.ReplaceAll(p.log(), "\r", "<CR>"))
		p = run(t, r, spec{handler: "index.handler", files: map[string]string{"index.mjs": `
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 201});
  stream.write("a"); stream.write({b: 1});
  if (event.raise) throw new TypeError("boom");
  stream.end("c");
});`}})
		a = p.invoke(`{"x":1}`)
		t.Logf("%q %s", body(a), p.log())
		a = p.invoke(`{"raise":1}`)
		t.Log(body(a), p.log())
	})
}
