// The runtime of Node.js functions: it speaks the Lambda Runtime API and calls the handler.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import net from 'node:net';
import fs from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import { Writable } from 'node:stream';
import { createRequire } from 'node:module';

const env = process.env;
let requestId;

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = 'Runtime.' + kind;
  }
}

// One kept connection to the Runtime API, with one request at a time on it.
class Client {
  constructor(address) {
    const i = address.lastIndexOf(':');
    this.host = address.slice(0, i);
    this.port = Number(address.slice(i + 1));
    this.address = address;
    this.data = Buffer.alloc(0);
  }

  call(method, where, body, headers = '') {
    const text = body === undefined ? undefined : Buffer.from(body);
    let head = `${method} /2018-06-01/runtime/${where} HTTP/1.1\r\nHost: ${this.address}\r\n${headers}`;
    if (text) head += `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n`;
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (!this.socket) this.connect();
      this.socket.ref();
      if (!text) return this.socket.write(head + '\r\n');
      this.socket.cork();
      this.socket.write(head + '\r\n');
      this.socket.write(text);
      this.socket.uncork();
    });
  }

  connect() {
    this.data = Buffer.alloc(0);
    const socket = net.connect({ host: this.host, port: this.port, noDelay: true });
    this.socket = socket;
    socket.on('data', (chunk) => this.take(chunk));
    const lost = (error) => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      if (this.reject) this.settle('reject', error || new Error('the Runtime API has closed the connection'));
    };
    socket.on('error', lost);
    socket.on('close', () => lost());
  }

  take(chunk) {
    this.data = this.data.length ? Buffer.concat([this.data, chunk]) : chunk;
    if (!this.head) {
      const end = this.data.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = this.data.toString('latin1', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines.slice(1)) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const size = Number(headers['content-length'] || 0);
      this.head = { status: Number(lines[0].split(' ')[1]), headers, size };
      this.data = this.data.subarray(end + 4);
    }
    if (this.data.length < this.head.size) return;
    const { status, headers, size } = this.head;
    const body = this.data.toString('utf8', 0, size);
    this.data = this.data.subarray(size);
    this.head = undefined;
    if (headers.connection === 'close') {
      this.socket.destroy();
      this.socket = undefined;
    } else {
      this.socket.unref();
    }
    this.settle('resolve', { status, headers, body });
  }

  settle(how, value) {
    const done = this[how];
    this.resolve = this.reject = undefined;
    done(value);
  }
}

const client = new Client(env.AWS_LAMBDA_RUNTIME_API);

// ---- Errors

function isError(e) {
  return util.types.isNativeError(e) || (e && e.name && e.message && e.stack && [e.name, e.message, e.stack].every((x) => typeof x === 'string'));
}

function describe(e) {
  try {
    if (isError(e)) return { errorType: e.name, errorMessage: e.message, trace: e.stack.split('\n') };
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

function logError(what, e) {
  const error = e instanceof Error ? e : new Error(e);
  let text;
  try {
    text = JSON.stringify(error, visible);
  } catch {
    text = JSON.stringify(describe(error));
  }
  console.error(what, '\t' + text);
}

// ---- Output: each message is one line with its time and its request

function write(text) {
  const data = Buffer.from(text);
  for (let done = 0; done < data.length; ) {
    try {
      done += fs.writeSync(1, data, done);
    } catch (e) {
      if (e.code !== 'EAGAIN') throw e;
    }
  }
}

function patchConsole() {
  const log = (level) => (message, ...rest) => {
    const line = `${new Date().toISOString()}\t${requestId}\t${level}\t${util.format(message, ...rest)}`;
    write(line.replace(/\n/g, '\r') + '\n');
  };
  console.trace = log('TRACE');
  console.debug = log('DEBUG');
  console.log = console.info = log('INFO');
  console.warn = log('WARN');
  console.error = log('ERROR');
  console.fatal = log('FATAL');
}

// ---- The handler

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

function isModuleFolder(folder) {
  if (folder.endsWith('/node_modules')) return false;
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module';
  } catch (e) {
    if (e.code !== 'ENOENT') return false;
  }
  return folder === '/' ? false : isModuleFolder(path.resolve(folder, '..'));
}

async function loadModule(root, folder, name) {
  const require = createRequire(import.meta.url);
  const base = path.resolve(root, folder, name);
  const esm = isModuleFolder(path.dirname(base));
  const ways = [['', require], ['.js', esm ? (f) => import(f) : require], ['.mjs', (f) => import(f)], ['.cjs', require]];
  for (const [extension, load] of ways) {
    if (fs.existsSync(base + extension) && !(extension === '' && fs.statSync(base).isDirectory())) return await load(base + extension);
  }
  return require(require.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

async function loadHandler(root, full) {
  if (full.includes('..')) {
    throw new RuntimeError('MalformedHandlerName', `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(full);
  const folder = full.substring(0, full.indexOf(base));
  const match = base.match(/^([^.]*)\.(.*)$/);
  if (!match) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  let app;
  try {
    app = await loadModule(root, folder, match[1]);
  } catch (e) {
    if (e instanceof SyntaxError) throw renamed('UserCodeSyntaxError', e);
    if (e && (e.code === 'MODULE_NOT_FOUND' || e.code === 'ERR_MODULE_NOT_FOUND')) throw renamed('ImportModuleError', e);
    throw e;
  }
  const handler = match[2].split('.').reduce((object, key) => object && object[key], app);
  if (!handler) throw new RuntimeError('HandlerNotFound', `${full} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${full} is not a function`);
  return handler;
}

// renamed makes an error of the runtime of one of the loader, with the loader's own stack.
function renamed(kind, e) {
  return new RuntimeError(kind, String(e));
}

function parseHeader(text) {
  return text ? JSON.parse(text) : undefined;
}

function makeContext(headers, done) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(headers['lambda-runtime-client-context']),
    identity: parseHeader(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: (error, result) => done(error, result),
    succeed: (result) => done(null, result),
    fail: (error) => done(error === undefined ? 'handled' : error),
  };
}

// ---- The loop

let failing; // takes an error that nobody has caught

// What a streaming handler writes. It is answered in one piece.
class Stream extends Writable {
  constructor() {
    super();
    this.chunks = [];
    this.done = new Promise((resolve, reject) => this.once('finish', resolve).once('error', reject));
    this.done.catch(() => {}); // the handler's own error comes first
  }
  setContentType() {}
  _write(chunk, encoding, next) {
    this.chunks.push(Buffer.from(chunk, encoding));
    next();
  }
}

function withPrelude(stream, prelude) {
  stream.setContentType('application/vnd.awslambda.http-integration-response');
  stream.write(JSON.stringify(prelude));
  stream.write(Buffer.alloc(8));
  return stream;
}

function invoke(handler, event, headers) {
  return new Promise((resolve, reject) => {
    let settled = false;
    let waiting; // for the event loop to be empty
    const settle = (how, value) => {
      if (settled) return;
      settled = true;
      process.removeListener('beforeExit', empty);
      how(value);
    };
    const done = (error, result) => {
      if (waiting || settled) return;
      waiting = error !== undefined && error !== null ? () => settle(reject, error) : () => settle(resolve, result);
      if (!context.callbackWaitsForEmptyEventLoop) setImmediate(waiting);
    };
    const empty = () => (waiting ? waiting() : settle(resolve, undefined));
    const context = makeContext(headers, done);
    failing = (error) => settle(reject, error);
    process.on('beforeExit', empty);
    if (handler[STREAMING]) {
      const stream = new Stream();
      Promise.resolve(handler(event, stream, context)).then(() => stream.done).then(() => settle(resolve, stream), (e) => settle(reject, e));
      return;
    }
    const result = handler(event, context, done);
    if (result && typeof result.then === 'function') result.then((value) => settle(resolve, value), (e) => settle(reject, e));
  });
}

async function loop(handler) {
  for (;;) {
    const next = await client.call('GET', 'invocation/next');
    if (next.status !== 200) throw new Error(`the Runtime API answered ${next.status}: ${next.body}`);
    requestId = next.headers['lambda-runtime-aws-request-id'];
    globalThis[Symbol.for('aws.lambda.runtime.requestId')] = requestId;
    env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'] || '';
    try {
      const result = await invoke(handler, JSON.parse(next.body), next.headers);
      await answer('response', result instanceof Stream ? Buffer.concat(result.chunks) : marshal(result));
    } catch (e) {
      logError('Invoke Error', e);
      const result = describe(e);
      await answer('error', JSON.stringify(result), errorHeader(result));
    }
  }
}

function marshal(result) {
  try {
    return JSON.stringify(result === undefined ? null : result);
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

async function answer(kind, body, headers) {
  failing = undefined;
  write(`\0${requestId}\n`); // the invocation's output ends here
  await client.call('POST', `invocation/${requestId}/${kind}`, body ?? 'null', headers);
}

// fatal reports an error that nobody has caught, and ends the runtime.
async function fatal(what, error, code) {
  logError(what, error);
  const result = describe(error);
  const where = failing ? `invocation/${requestId}/error` : 'init/error';
  failing = undefined;
  try {
    await new Client(env.AWS_LAMBDA_RUNTIME_API).call('POST', where, JSON.stringify(result), errorHeader(result));
  } finally {
    process.exit(code);
  }
}

patchConsole();
process.on('uncaughtException', (error) => fatal('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('UnhandledPromiseRejection', reason instanceof Error ? String(reason) : reason);
  error.reason = reason;
  fatal('Unhandled Promise Rejection', error, 128);
});

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }),
  HttpResponseStream: { from: withPrelude },
};

let handler;
try {
  handler = await loadHandler(process.cwd(), env._HANDLER);
} catch (e) {
  await fatal('Uncaught Exception', e, 129);
}
await loop(handler);
