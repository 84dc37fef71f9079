package runtimes

import (
	"path"
	"strconv"
	"strings"
)

// wrapped starts the program that AWS_LAMBDA_EXEC_WRAPPER names, with the command of the runtime as its arguments.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
const wrapped = `
wrapper=$AWS_LAMBDA_EXEC_WRAPPER
if [ ! -f "$wrapper" ]; then echo "$wrapper: does not exist"; exit 127; fi
if [ ! -x "$wrapper" ]; then echo "$wrapper: is not an executable"; exit 126; fi
exec "$wrapper" "$@"`

// Argv is the command that starts the runtime for a function with so much memory, in MB, and these environment variables of
// its owner. It is nil for Provided: the package has the program.
func (r *Runtime) Argv(memory int, variables map[string]string) []string {
	if r.Client == nil {
		return nil
	}
	argv := []string{r.Program}
	if r.Family == Node {
		argv = append(argv, heap(memory)...)
	}
	for _, a := range r.Client.Args {
		if flag, off := strings.CutPrefix(a, "--no-"); off && strings.Contains(variables["NODE_OPTIONS"], "--"+flag) {
			continue // the owner wants the feature
		}
		argv = append(argv, a)
	}
	if variables["AWS_LAMBDA_EXEC_WRAPPER"] != "" {
		argv = append([]string{"/bin/sh", "-c", wrapped, "sh"}, argv...)
	}
	return argv
}

// heap divides the memory as AWS does: a tenth for what is new.
func heap(memory int) []string {
	young := memory / 10
	return []string{"--expose-gc", "--max-semi-space-size=" + strconv.Itoa(young/2), "--max-old-space-size=" + strconv.Itoa(memory-young)}
}

// Environ is what AWS sets in the environment of the runtime, and the owner of a function may set otherwise.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func (r *Runtime) Environ() map[string]string {
	env := map[string]string{
		"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	}
	if r.Family == Provided {
		return env
	}
	env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + r.Name
	if bin := path.Dir(r.Program); bin != "/usr/bin" && bin != "/bin" { // scripts expect to find the interpreter
		env["PATH"] = bin + ":" + env["PATH"]
	}
	switch r.Family {
	case Node:
		major := strings.TrimSuffix(strings.TrimPrefix(r.Name, "nodejs"), ".x")
		env["NODE_PATH"] = "/opt/nodejs/node" + major + "/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
	case Python:
		env["PYTHONPATH"] = "/var/runtime"
	}
	return env
}
