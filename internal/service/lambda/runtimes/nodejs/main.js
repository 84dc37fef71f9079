// The start, and the loop.

const client = new Client(env.AWS_LAMBDA_RUNTIME_API);
let running; // the invocation that an error which nobody has caught belongs to

async function loop(handler) {
  const streaming = isStreaming(handler);
  for (;;) {
    const { status, headers, body } = await client.call('GET', 'invocation/next');
    if (status !== 200) throw new Error(`the Runtime API answered ${status}: ${body}`);
    const id = headers['lambda-runtime-aws-request-id'];
    global[REQUEST] = running = id;
    global[TENANT] = headers['lambda-runtime-aws-tenant-id'];
    if (headers['lambda-runtime-trace-id']) env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
    else delete env._X_AMZN_TRACE_ID;
    if (streaming) await invokeStreaming(handler, id, body, headers);
    else if (modern) await invokeModern(handler, id, body, headers);
    else await new Promise((next) => invokeWithCallback(handler, id, body, headers, next));
  }
}

// fatal reports an error that nobody has caught, and ends the runtime. The connection may be in use.
async function fatal(what, error, code) {
  logError(what, error);
  const result = describe(error);
  const where = running ? `invocation/${running}/error` : 'init/error';
  if (running) markEnd(running);
  running = undefined;
  try {
    await new Client(env.AWS_LAMBDA_RUNTIME_API).call('POST', where, JSON.stringify(result), errorHeader(result));
  } finally {
    process.exit(code);
  }
}

function catchAll() {
  process.on('uncaughtException', (error) => fatal('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason, promise) => {
    const error = Object.assign(new errors.UnhandledPromiseRejection(reason), { reason, promise });
    fatal('Unhandled Promise Rejection', error, 128);
  });
  process.on('beforeExit', () => whenIdle());
}

// store keeps what belongs to an invocation, for libraries: https://github.com/aws/aws-lambda-invoke-store
function invokeStore() {
  const keys = { REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'), X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'), TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID') };
  let id;
  let values = {};
  const current = () => {
    if (id !== global[REQUEST]) [id, values] = [global[REQUEST], {}];
    return id === undefined ? undefined : { [keys.REQUEST_ID]: id, [keys.X_RAY_TRACE_ID]: env._X_AMZN_TRACE_ID, [keys.TENANT_ID]: global[TENANT], ...values };
  };
  return {
    getContext: current, hasContext: () => current() !== undefined, get: (key) => current()?.[key],
    getRequestId: () => global[REQUEST] ?? '-', getXRayTraceId: () => env._X_AMZN_TRACE_ID, getTenantId: () => global[TENANT],
    set(key, value) {
      if (Object.values(keys).includes(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
      current();
      values[key] = value;
    },
    run: (_context, fn) => fn(),
  };
}

function setGlobals() {
  if (['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  global.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[WATERMARK] = parseInt(options.highWaterMark, 10);
      return handler;
    },
    HttpResponseStream,
  };
  if (modern) global.awslambda.InvokeStore = invokeStore();
}

async function start() {
  patchConsole();
  if (!modern) catchAll();
  setGlobals();
  let handler;
  try {
    handler = await loadHandler(env.LAMBDA_TASK_ROOT || process.cwd(), env._HANDLER ?? '');
    isStreaming(handler);
  } catch (e) {
    if (!modern) return fatal('Uncaught Exception', e, 129);
    logError('Init Error', e);
    const result = describe(e);
    await client.call('POST', 'init/error', JSON.stringify(result), errorHeader(result));
    throw e;
  }
  await loop(handler);
}

start();
