# The runtime of Python functions: it finds the handler and calls it with one event after the other.
#
# The files of this directory are run as one, /var/runtime/bootstrap.py, which the server compiles for each interpreter. It
# runs without the module site, which may load what a host has configured for itself. Every module that is imported delays
# every start, so json, logging, socket and traceback are left to those functions that need them. What tools of others
# replace (handle_event_request, LambdaRuntimeClient) has the name that it has on AWS.
import os
import sys

SITE_PACKAGES = ()  # of the host's interpreter, filled in for each
RUNTIME = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")


def get_handler(name):
    """Find the handler: module.function, with slashes or dots between packages."""
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as e:
        raise FaultException("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, e))
    if module.split(".")[0] in sys.builtin_module_names:
        raise FaultException("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module)
    path = module.replace("/", ".")
    try:
        __import__(path)
    except ImportError as e:
        raise FaultException("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module, e))
    except SyntaxError as e:
        trace = ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)]
        raise FaultException("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, e), trace)
    try:
        return getattr(sys.modules[path], function)
    except AttributeError:
        raise FaultException("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module))


def make_error(error, invoke_id=""):
    """The error as a function's answer."""
    if isinstance(error, FaultException):
        message, kind, trace = error.msg, error.exception_type, error.trace or []
    else:
        import traceback

        frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
        while len(frames) > 1 and "/bootstrap.py" in frames[0][0]:
            frames = frames[1:]
        message, kind, trace = str(error), type(error).__name__, traceback.format_list(frames)
    return {"errorMessage": message, "errorType": kind, "requestId": invoke_id, "stackTrace": trace}


def handle_event_request(lambda_runtime_client, request_handler, invoke_id, event_body, content_type, client_context_json,
                         cognito_identity_json, invoked_function_arn, epoch_deadline_time_in_ms, tenant_id, log_sink, invocation_id=None):
    """Answer one event."""
    error = None
    try:
        lambda_context = create_lambda_context(client_context_json, cognito_identity_json, epoch_deadline_time_in_ms,
                                               invoke_id, invoked_function_arn, tenant_id)
        event = lambda_runtime_client.marshaller.unmarshal_request(event_body, content_type)
        response = request_handler(event, lambda_context)
        result, result_content_type = lambda_runtime_client.marshaller.marshal_response(response)
    except Exception as e:
        error = make_error(e, invoke_id)
        log_error(error, log_sink)
    finish_output(invoke_id)
    if error is None:
        lambda_runtime_client.post_invocation_result(invoke_id, result, result_content_type)
    else:
        lambda_runtime_client.post_invocation_error(invoke_id, to_json(error), error_type=error["errorType"])


def finish_output(invoke_id):
    """Mark in the output where the invocation ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # it is the function's own, or closed
            pass
    write("\0%s\n" % invoke_id)


def find_modules(root):
    """Set sys.path as AWS does: the function, its layers, the runtime, the library, the interpreter's packages."""
    own = os.environ.get("PYTHONPATH", RUNTIME) not in ("", RUNTIME)
    layers = [] if own else ["/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
    sys.path[0:0] = [root, *layers]
    sys.path.extend(p for p in SITE_PACKAGES if p not in sys.path)
    sys.argv[0] = RUNTIME + "/bootstrap.py"
    for place in (root, *layers):
        try:
            configured = any(name.endswith(".pth") for name in os.listdir(place))
        except OSError:
            continue
        if configured:
            import site

            site.addsitedir(place)
    if own:
        customise()
    else:
        os.environ["PYTHONPATH"] = RUNTIME


def customise():
    """Do what site does for tools that are found by PYTHONPATH."""
    try:
        import sitecustomize
    except Exception as e:
        if getattr(e, "name", "") != "sitecustomize":
            import traceback

            traceback.print_exc()


def complete_builtins():
    import builtins
    from _sitebuiltins import Quitter

    builtins.exit = Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = Quitter("quit", "Ctrl-D (i.e. EOF)")


def run(client, log_sink):
    global request_id, tenant_id
    try:
        find_modules(os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd())
        handler = get_handler(os.environ.get("_HANDLER", ""))
    except Exception as e:
        error = make_error(e)
        log_error(error, log_sink)
        client.post_init_error(error)
        sys.exit(1)
    while True:
        headers, body = client.wait_next_invocation()
        get = headers.get
        request_id, tenant_id = headers["lambda-runtime-aws-request-id"], get("lambda-runtime-aws-tenant-id")
        if trace := get("lambda-runtime-trace-id"):
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        handle_event_request(client, handler, request_id, body, get("content-type"), get("lambda-runtime-client-context"),
                             get("lambda-runtime-cognito-identity"), get("lambda-runtime-invoked-function-arn"),
                             int(get("lambda-runtime-deadline-ms", 0)), tenant_id, log_sink)


if __name__ == "__main__":
    complete_builtins()
    if "logging" in sys.modules:
        set_up_logging(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, LoggingHook())
    run(LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"]), LogSink())
