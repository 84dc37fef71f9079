// The Runtime API, over one kept connection with one request at a time on it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

class Client {
  constructor(address) {
    const i = address.lastIndexOf(':');
    this.address = address;
    this.to = { host: address.slice(0, i), port: Number(address.slice(i + 1)) };
    this.data = Buffer.alloc(0);
  }

  // begin sends the head of a request, and data that is there. What it answers is awaited: the event loop is kept alive.
  begin(method, where, headers, data) {
    const answer = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    const head = Buffer.from(`${method} /2018-06-01/runtime/${where} HTTP/1.1\r\nHost: ${this.address}\r\n${headers}\r\n`, 'latin1');
    if (!this.link) this.connect();
    this.link.ref();
    if (data && data.length < 65536) {
      this.link.write(Buffer.concat([head, data]));
    } else {
      this.link.write(head);
      if (data) this.link.write(data);
    }
    return answer;
  }

  call(method, where, body, headers = '') {
    if (body === undefined) return this.begin(method, where, headers);
    const data = Buffer.from(body);
    return this.begin(method, where, `${headers}Content-Type: application/json\r\nContent-Length: ${data.length}\r\n`, data);
  }

  connect() {
    this.data = Buffer.alloc(0);
    this.head = undefined;
    const mine = link(this.to, (chunk) => this.take(chunk), (error) => {
      if (this.link !== mine) return;
      this.link = undefined;
      this.settle('reject', error);
    });
    this.link = mine;
  }

  take(chunk) {
    this.data = this.data.length ? Buffer.concat([this.data, chunk]) : chunk;
    if (!this.head) {
      const end = this.data.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first, ...lines] = this.data.toString('latin1', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      this.head = { status: Number(first.split(' ')[1]), headers, size: Number(headers['content-length'] || 0) };
      this.data = this.data.subarray(end + 4);
      if (this.head.size > 65536) this.gather();
    }
    if (this.data.length >= this.head.size) this.complete();
  }

  // gather reads a large body without copying it again with every piece.
  gather() {
    const { size } = this.head;
    const parts = [this.data];
    let have = this.data.length;
    const usual = this.take;
    this.take = (chunk) => {
      parts.push(chunk);
      if ((have += chunk.length) < size) return;
      this.take = usual;
      this.data = Buffer.concat(parts);
      this.complete();
    };
  }

  complete() {
    const { status, headers, size } = this.head;
    const body = this.data.toString('utf8', 0, size);
    this.data = this.data.subarray(size);
    this.head = undefined;
    if (headers.connection === 'close') {
      this.link?.close();
      this.link = undefined;
    } else {
      this.link?.unref();
    }
    this.settle('resolve', { status, headers, body });
  }

  settle(how, value) {
    const done = this[how];
    this.resolve = this.reject = undefined;
    done?.(value);
  }
}

// post answers the invocation. A refusal, which is mostly for the size of what was answered, is logged.
async function post(id, what, body, headers) {
  const refused = (why) => record(`[ERROR] [${Date.now()}] LAMBDA_RUNTIME Failed to post handler success response. ${why}`);
  try {
    const { status, body: text } = await client.call('POST', `invocation/${encodeURIComponent(id)}/${what}`, body, headers);
    if (status !== 202) refused(`Http response code: ${status}. ${text}`);
  } catch (e) {
    refused(e.message);
  }
}
