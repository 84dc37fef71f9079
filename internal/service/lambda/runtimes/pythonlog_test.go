package runtimes_test

import (
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/runtimes"
)

const pythonLogs = `
import logging
root, own = logging.getLogger(), logging.getLogger("own")
logging.warning("at init")
def handler(event, context):
    print("printed ü\nin two")
    root.debug("debug"); root.info("info"); root.warning("warning\ntwo")
    own.error("%s is %d", "x", 1, extra={"more": [1], "nothing": None})
    try:
        raise ValueError("inner")
    except ValueError:
        own.exception("caught")
`

func TestPythonLogsAsOnAWS(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		for level, extra := range map[string]string{
			"": "", "INFO": "[INFO]\tTIME\tID\tinfo\n", "trace": "[DEBUG]\tTIME\tID\tdebug\n[INFO]\tTIME\tID\tinfo\n",
		} {
			s := python(pythonLogs)
			s.env = []string{"AWS_LAMBDA_LOG_LEVEL=" + level}
			p := run(t, r, s)
			p.invoke(`{}`)
			wantText(t, "the log at level "+level, p.logged(), "[WARNING]\tTIME\t\tat init\nprinted ü\nin two\n"+extra+"[WARNING]\tTIME\tID\twarning\rtwo\n"+
				"[ERROR]\tTIME\tID\tx is 1\n[ERROR]\tTIME\tID\tcaught\rTraceback (most recent call last):\r  File \"/var/task/app.py\", line 10, in handler\r"+
				"    raise ValueError(\"inner\")\rValueError: inner\n")
		}
	})
}

func TestPythonLogsJSON(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		s := python(pythonLogs + "    raise KeyError('k')\n")
		s.env = []string{"AWS_LAMBDA_LOG_LEVEL=INFO", "AWS_LAMBDA_LOG_FORMAT=JSON"}
		p := run(t, r, s)
		p.event(&runtimeapi.Event{Payload: []byte("{}"), TenantID: "t"})
		want := `{"timestamp": "TIME", "level": "WARNING", "message": "at init", "logger": "root", "requestId": ""}
printed ü
in two
{"timestamp": "TIME", "level": "INFO", "message": "info", "logger": "root", "requestId": "ID", "tenantId": "t"}
{"timestamp": "TIME", "level": "WARNING", "message": "warning\ntwo", "logger": "root", "requestId": "ID", "tenantId": "t"}
{"timestamp": "TIME", "level": "ERROR", "message": "x is 1", "logger": "own", "requestId": "ID", "tenantId": "t", "more": [1]}
{"timestamp": "TIME", "level": "ERROR", "message": "caught", "logger": "own", "stackTrace": ["  File \"/var/task/app.py\", line 10, in handler\n    raise ValueError(\"inner\")\n"], ` +
			`"errorType": "ValueError", "errorMessage": "inner", "requestId": "ID", "location": "/var/task/app.py:handler:12", "tenantId": "t"}
{"timestamp": "TIME", "level": "ERROR", "errorMessage": "'k'", "errorType": "KeyError", "requestId": "ID", "stackTrace": ["  File \"/var/task/app.py\", line 13, in handler\n    raise KeyError('k')\n"]}
`
		got := p.logged()
		if strings.Contains(got, "~~~") || strings.Contains(got, "^^^") { // Python 3.11 and later underline in traces of logging
			t.Errorf("a trace is underlined")
		}
		wantText(t, "the log", got, want)
	})
}

func TestPythonOutputIsNotKeptBack(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		for code, want := range map[string]struct {
			code int
			log  string
		}{
			"os._exit(3)":                                  {3, "begun"},
			"sys.exit(4)":                                  {4, "begun"},
			"exit(5)":                                      {5, "begun"},
			"raise KeyboardInterrupt":                      {-1, "begunTraceback (most recent call last):"},
			"sys.stderr.write('err'); os._exit(0)":         {0, "begunerr"},
			"os.kill(os.getpid(), 9)":                      {-1, "begun"},
			"sys.stdout.buffer.write(b'raw'); exit(0)":     {0, "begunraw"},
			"sys.stdout.writelines(['a','b']); os.abort()": {-1, "begunab"},
		} {
			p := run(t, r, python("import os, sys\nsys.stdout.write('begun')\n"+code+"\n"))
			if got := p.ended(); got != want.code && !strings.HasPrefix(code, "raise") {
				t.Errorf("%s: exit code %d", code, got)
			}
			if log := p.log(); !strings.HasPrefix(log, want.log) {
				t.Errorf("%s: %q", code, log)
			}
		}
	})
}

func TestPythonFindsModulesAsOnAWS(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		s := python("import sys, os, inner\ndef handler(event, context):\n    return [sys.path[:4], os.environ['PYTHONPATH'], inner.x, any('site-packages' in p or 'dist-packages' in p for p in sys.path[4:])]\n")
		s.files["vendored.pth"], s.files["lib/inner.py"] = "lib\n", "x = 7\n"
		s.env = []string{"PYTHONPATH="}
		p := run(t, r, s)
		version := strings.TrimPrefix(r.Name, "python")
		got := strings.NewReplacer(p.task, "/var/task", p.runtime, "/var/runtime").Replace(body(p.invoke("{}")))
		wantText(t, "sys.path", got, `false [["/var/task", "/opt/python/lib/python`+version+`/site-packages", "/opt/python", "/var/runtime"], "/var/runtime", 7, true]`)
	})
}

func TestPythonPathOfTheFunctionReplacesLayers(t *testing.T) {
	r := newest(t, runtimes.Python)
	s := python("import sys, os\ndef handler(event, context):\n    return [sys.path[:2], os.environ['FROM']]\n")
	s.files["tool/sitecustomize.py"] = "import os\nos.environ['FROM'] = __name__\n"
	p := run(t, r, python(""))
	s.env = []string{"PYTHONPATH=" + p.task}
	p.write(p.task+"/sitecustomize.py", s.files["tool/sitecustomize.py"])
	q := run(t, r, s)
	got := strings.NewReplacer(q.task, "/var/task", q.runtime, "/var/runtime").Replace(body(q.invoke("{}")))
	wantText(t, "sys.path", got, `false [["/var/task", "/var/runtime"], "sitecustomize"]`)
}
