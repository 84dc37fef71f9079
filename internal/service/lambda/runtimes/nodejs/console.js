// The console: each message is one event of the log, with its time, its request and its level.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html

const jsonLogs = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
const REQUEST = Symbol.for('aws.lambda.runtime.requestId');
const TENANT = Symbol.for('aws.lambda.runtime.tenantId');

function write(text) {
  const data = Buffer.from(text);
  for (let done = 0; done < data.length; ) {
    try {
      done += fs.writeSync(1, data, done);
    } catch (e) {
      if (e.code !== 'EAGAIN') return; // the function has closed it
    }
  }
}

// record writes what belongs together: its line breaks become carriage returns.
const record = (text) => write(text.replace(/\n/g, '\r') + '\n');

function textLine(level, message, rest) {
  return `${new Date().toISOString()}\t${global[REQUEST] ?? (modern ? '-' : undefined)}\t${level}\t${util.format(message, ...rest)}`;
}

const stackOf = (e, otherwise) => (typeof e.stack === 'string' ? e.stack.split('\n') : otherwise);

function errorFields(_key, value) {
  if (!(value instanceof Error)) return value;
  const fields = { errorType: value.constructor?.name ?? 'UnknownError', errorMessage: value.message, stackTrace: stackOf(value, value.stack) };
  return Object.assign(fields, value);
}

function jsonLine(level, message, rest) {
  const result = { timestamp: new Date().toISOString(), level, requestId: global[REQUEST] ?? (modern ? '-' : undefined) };
  if (global[TENANT] !== undefined && global[TENANT] !== null) result.tenantId = global[TENANT];
  if (rest.length === 0) {
    result.message = message;
    try {
      return JSON.stringify(result, errorFields);
    } catch {
      result.message = util.format(message);
      return JSON.stringify(result);
    }
  }
  result.message = util.format(message, ...rest);
  const error = (modern ? rest : [message, ...rest]).find((x) => x instanceof Error);
  if (error) {
    Object.assign(result, { errorType: error.constructor?.name ?? 'UnknownError', errorMessage: error.message, stackTrace: stackOf(error, []) });
  }
  return JSON.stringify(result);
}

function patchConsole() {
  const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  const least = Math.max(levels.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
  const line = jsonLogs ? jsonLine : textLine;
  levels.forEach((level, i) => {
    const name = level.toLowerCase();
    console[name] = i < least ? () => {} : (message, ...rest) => record(line(level, message, rest));
  });
  console.log = console.info;
}
