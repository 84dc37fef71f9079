// Errors, as the Runtime API and the log show them.

const errors = {};
for (const name of [
  'ImportModuleError', 'HandlerNotFound', 'MalformedHandlerName', 'UserCodeSyntaxError', 'MalformedStreamingHandler',
  'InvalidStreamingOperation', 'UnhandledPromiseRejection', 'CallbackHandlerDeprecated',
]) {
  errors[name] = class extends Error {};
  errors[name].prototype.name = 'Runtime.' + name;
}

function isError(e) {
  return util.types.isNativeError(e) || (e && e.name && e.message && e.stack && [e.name, e.message, e.stack].every((x) => typeof x === 'string'));
}

const escaped = (text) => text?.replace(/\x7f/g, '%7F');

// describe makes the error a function's answer.
function describe(e) {
  try {
    if (isError(e)) return { errorType: escaped(e.name), errorMessage: escaped(e.message), trace: escaped(e.stack).split('\n') };
    return { errorType: typeof e, errorMessage: e.toString(), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

function errorHeader(result) {
  return `Lambda-Runtime-Function-Error-Type: ${String(result.errorType).replace(/[^\x20-\x7e]/g, '')}\r\n`;
}

function visible(_key, value) {
  if (!(value instanceof Error)) return value;
  const all = Object.assign({ errorType: value.name, errorMessage: value.message, code: value.code }, value);
  if (typeof value.stack === 'string') all.stack = value.stack.split('\n');
  return all;
}

function formatted(error) {
  try {
    return '\t' + JSON.stringify(error, visible);
  } catch {
    return '\t' + JSON.stringify(describe(error));
  }
}

function logError(what, e) {
  const error = e instanceof Error ? e : new Error(e);
  if (jsonLogs) console.error(error);
  else console.error(what, formatted(error));
}
