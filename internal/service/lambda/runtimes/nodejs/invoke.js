// Calling the handler, as up to Node.js 22 and as since Node.js 24.

let whenIdle = () => {}; // what to do when the event loop is empty

const onIdle = (then) => {
  whenIdle = () => {
    whenIdle = () => {};
    setImmediate(then);
  };
};

function parseHeader(text, name) {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new Error(`Cannot parse ${name} as json: ${e}`);
  }
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const context = {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(headers['lambda-runtime-client-context'], 'ClientContext'),
    identity: parseHeader(headers['lambda-runtime-cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  if (modern) context.xRayTraceId = headers['lambda-runtime-trace-id'];
  return context;
}

function marshal(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

// firstOf makes functions of which only the first call counts, unless it throws.
const firstOf = () => {
  let called = false;
  return (f) => (...args) => {
    if (called) return;
    f(...args);
    called = true;
  };
};

const isThenable = (x) => x && x.then && typeof x.then === 'function';

// invokeWithCallback calls a handler that may answer by its promise, by its callback or by its context. next is called when it
// has answered.
function invokeWithCallback(handler, id, event, headers, next) {
  let waits = true;
  let completed = false;
  const complete = (result) => {
    if (completed) {
      console.error('Invocation has already been reported as done. Cannot call complete more than once per invocation.');
      return;
    }
    completed = true;
    answer(id, 'response', marshal(result)).then(next);
  };
  const fail = (error) => {
    logError('Invoke Error', error);
    const result = describe(error);
    answer(id, 'error', JSON.stringify(result), errorHeader(result)).then(next);
  };
  const isSet = (x) => x !== undefined && x !== null;
  const done = (error, result) => {
    whenIdle = () => {};
    if (isSet(error)) fail(error);
    else complete(result);
  };
  const wrap = firstOf();
  const context = {
    get callbackWaitsForEmptyEventLoop() { return waits; },
    set callbackWaitsForEmptyEventLoop(value) { waits = value; },
    succeed: wrap((result) => done(null, result)),
    fail: wrap((error) => done(isSet(error) ? error : 'handled', null)),
    done: wrap(done),
  };
  const callback = wrap((error, result) => {
    if (isSet(error) || !waits) return done(error, result);
    onIdle(() => complete(result));
  });
  whenIdle = () => {
    whenIdle = () => {};
    completed = true;
    answer(id, 'response', 'null').then(next);
  };
  try {
    const result = handler(JSON.parse(event), Object.assign(context, contextOf(headers)), callback);
    if (isThenable(result)) result.then(context.succeed, context.fail).catch(context.fail);
  } catch (e) {
    callback(e);
  }
}

// invokeStreaming calls a handler that writes its answer.
async function invokeStreaming(handler, id, event, headers) {
  const { stream, answered, fail } = openStream(id, handler[WATERMARK]);
  const refuse = (why) => { throw modern ? new Error(why) : why; };
  let context = {};
  try {
    context = contextOf(headers);
    if (!modern) context.callbackWaitsForEmptyEventLoop = true;
    const result = handler(JSON.parse(event), stream, context);
    if (!isThenable(result)) refuse('Streaming does not support non-async handlers.');
    if ((await result) !== undefined) console.warn('Streaming handlers ignore return values.');
    await answered;
    if (!stream.writableFinished) refuse('Response stream is not finished.');
  } catch (e) {
    logError('Invoke Error', e);
    await fail(e);
  }
  if (context.callbackWaitsForEmptyEventLoop) await new Promise(onIdle);
  running = undefined;
  markEnd(id);
}

async function invokeModern(handler, id, event, headers) {
  let result;
  let body;
  let failed;
  try {
    result = await handler(JSON.parse(event), contextOf(headers));
    await new Promise(setImmediate);
    body = marshal(result);
  } catch (e) {
    await new Promise(setImmediate);
    logError('Invoke Error', e);
    failed = describe(e);
  }
  if (failed) await answer(id, 'error', JSON.stringify(failed), errorHeader(failed));
  else await answer(id, 'response', body);
}

// markEnd marks in the output where the invocation ends.
const markEnd = (id) => write(`\0${id}\n`);

async function answer(id, kind, body, headers) {
  running = undefined;
  markEnd(id);
  await post(id, kind, body, headers);
}
