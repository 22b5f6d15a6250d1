// Orders to stop, heard from the launcher's first line on: a signal that comes while the program still loads has to count,
// and the system passes over a signal to PID 1 for which PID 1 has no handler. Orders wait until somebody listens.

const waiting = [];
let listener;

/** Passes every order on, those that have waited first, to this listener in place of a former one. An order is `{ signal, way, atMs }`: see src/cli/stop-orders.ts. */
export function onStopOrder(listen) {
  listener = listen;
  while (waiting.length > 0) listen(waiting.shift());
}

export function giveStopOrder(order) {
  if (listener === undefined) waiting.push(order);
  else listener(order);
}

/** Milliseconds of elapsed time, on a clock of this process. */
export function elapsedMs() {
  return process.uptime() * 1000;
}

['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
  process.on(signal, () => giveStopOrder({ signal, way: 'signal', atMs: elapsedMs() }));
});
