// A connection. The module net takes a fifth of the start of a small function, more than all else here, so what net itself
// stands on is used where it can be, and net where an address must be resolved or a future version has no such thing.

function link(to, taken, lost) {
  try {
    if (/^[\d.]+$/.test(to.host)) return bareLink(to, taken, lost);
  } catch {
    // net will do
  }
  return netLink(to, taken, lost);
}

function bareLink({ host, port }, taken, lost) {
  const { TCP, TCPConnectWrap, constants } = process.binding('tcp_wrap');
  const { WriteWrap, streamBaseState: state, kReadBytesOrError, kArrayBufferOffset, kLastWriteWasAsync } = process.binding('stream_wrap');
  const handle = new TCP(constants.SOCKET);
  let open = true;
  const close = (code) => {
    if (!open) return;
    open = false;
    handle.close();
    if (code) lost(new Error(`the Runtime API has closed the connection: ${code}`));
  };
  handle.onread = (bytes) => {
    const n = state[kReadBytesOrError];
    if (n > 0) taken(Buffer.from(bytes, state[kArrayBufferOffset], n));
    else if (n < 0) close(n);
  };
  const connecting = new TCPConnectWrap();
  connecting.oncomplete = (status) => (status < 0 ? close(status) : open && handle.readStart());
  handle.setNoDelay(true);
  const failed = handle.connect(connecting, host, port);
  if (failed) throw new Error(`connecting: ${failed}`);
  return {
    write(data, then) {
      if (!open) return then && setImmediate(then);
      const request = new WriteWrap();
      const code = handle.writeBuffer(request, data);
      if (code) setImmediate(close, code);
      if (!code && state[kLastWriteWasAsync]) {
        request.data = data; // must not be collected meanwhile
        request.oncomplete = (status) => {
          if (status < 0) close(status);
          then?.();
        };
      } else if (then) {
        setImmediate(then);
      }
    },
    ref: () => open && handle.ref(),
    unref: () => open && handle.unref(),
    close: () => close(),
  };
}

function netLink(to, taken, lost) {
  const socket = require('node:net').connect({ ...to, noDelay: true });
  let open = true;
  const close = (error) => {
    if (!open) return;
    open = false;
    if (error) lost(error);
  };
  socket.on('data', taken);
  socket.on('error', close);
  socket.on('close', () => close(new Error('the Runtime API has closed the connection')));
  return {
    write: (data, then) => socket.write(data, () => then?.()),
    ref: () => socket.ref(),
    unref: () => socket.unref(),
    close: () => { close(); socket.destroy(); },
  };
}
