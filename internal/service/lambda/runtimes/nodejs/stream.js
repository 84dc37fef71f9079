// Streamed responses: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const WATERMARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

function isStreaming(handler) {
  const kind = handler[STREAMING];
  if (kind === undefined || kind === null || kind === false) return false;
  if (kind !== 'response') throw new errors.MalformedStreamingHandler('Only response streaming is supported.');
  return true;
}

// openStream returns what a streaming handler writes to. Its answered is a promise of what the Runtime API says in the end.
function openStream(id, highWaterMark) {
  const { Writable } = require('node:stream');
  let contentType = 'application/octet-stream';
  let begun = false;
  let accepted;
  const stream = new Writable({
    highWaterMark, decodeStrings: true,
    write(chunk, _encoding, next) {
      begin();
      if (chunk.length === 0) return next();
      if (!client.link) return next(); // the answer tells why
      client.link.write(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]), next);
    },
    final(done) {
      begin();
      finish();
      done();
    },
  });
  const begin = () => {
    if (begun) return;
    begun = true;
    const headers = 'Lambda-Runtime-Function-Response-Mode: streaming\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n' +
      `Content-Type: ${contentType}\r\nTransfer-Encoding: chunked\r\n`;
    client.begin('POST', `invocation/${encodeURIComponent(id)}/response`, headers).then(accepted, accepted);
  };
  const finish = () => client.link?.write(Buffer.from(`0\r\n${trailers()}\r\n`, 'latin1'));
  let failed;
  const trailers = () => failed ? errorHeader(failed) +
    `Lambda-Runtime-Function-Error-Body: ${Buffer.from(JSON.stringify(failed)).toString('base64')}\r\n` : '';
  const answered = new Promise((resolve) => (accepted = resolve));
  let called = false;
  const write = stream.write.bind(stream);
  const call = () => {
    if (called) return;
    called = true;
    stream._onBeforeFirstWrite?.((data) => write(data));
  };
  stream.write = (chunk, encoding, callback) => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) chunk = JSON.stringify(chunk);
    call();
    return write(chunk, encoding, callback);
  };
  const end = stream.end.bind(stream);
  client.link?.ref(); // a response that is never ended is waited for
  stream.end = (chunk, encoding, callback) => {
    call();
    if (typeof chunk === 'function') return end(chunk);
    if (chunk !== undefined && chunk !== null) stream.write(chunk, typeof encoding === 'string' ? encoding : undefined);
    return end(typeof encoding === 'function' ? encoding : callback);
  };
  stream.setContentType = (type) => {
    if (called) throw new errors.InvalidStreamingOperation('Cannot set content-type, too late.');
    contentType = type;
  };
  // fail ends the response with the error in its trailers, if it has not ended yet.
  const fail = (error) => {
    failed = describe(error);
    if (stream.writableEnded) return answered;
    if (!stream.destroyed) {
      end();
      return answered;
    }
    begin();
    finish();
    return answered;
  };
  stream.on('error', () => {}); // what destroyed it reaches the handler
  return { stream, answered, fail };
}

const HttpResponseStream = class {
  static from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(new Uint8Array(8));
    };
    return stream;
  }
};
