// Receives orders to stop from the launcher's first line on: a signal that arrives while the program is loading must count,
// and the system ignores a signal to PID 1 without a handler. Orders wait until there is a listener.

const waiting = [];
let listener;

/** Passes every order, starting with those waiting, to this listener, which replaces the previous one. An order is `{ signal, way, atMs }`: see src/cli/stop-orders.ts. */
export function onStopOrder(listen) {
  listener = listen;
  while (waiting.length > 0) listen(waiting.shift());
}

export function giveStopOrder(order) {
  if (listener === undefined) waiting.push(order);
  else listener(order);
}

/** Returns the elapsed time on this process's clock, in milliseconds. */
export function elapsedMs() {
  return process.uptime() * 1000;
}

['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
  process.on(signal, () => giveStopOrder({ signal, way: 'signal', atMs: elapsedMs() }));
});
