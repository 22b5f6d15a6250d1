import { syncBuiltinESMExports } from 'node:module';

/** The function of Node.js, while another one stands in its place. */
let original: typeof process.exit | undefined;
let isEnding = false;

/** Ends the process. Every end that Millrace itself makes comes by here: see {@link refuseExits}. */
export function exit(code?: number): never {
  isEnding = true;
  const end = original ?? process.exit;
  // With an argument that is undefined it would forget `process.exitCode`.
  return code === undefined ? end.call(process) : end.call(process, code);
}

/** Thrown in the place where a served program called `process.exit()`. */
export class ExitCalled extends Error {
  override readonly name = 'ExitCalled';
  /** The exit code that was asked for, unless that says that all is well. */
  readonly exitCode: number;

  constructor(code: unknown, calledAs: (code?: never) => never) {
    const asked = code ?? process.exitCode ?? 0;
    super(`expected a served program to throw, found that it called process.exit(${String(asked)})`);
    Error.captureStackTrace(this, calledAs);
    this.exitCode = Number(asked) || 1;
  }
}

/** Hears how a served program ends the process. */
export interface ExitListener {
  /** It has called `process.exit()`, which throws this. */
  exitCalled(exit: ExitCalled): void;
  /** It ends the process by a `process.exit` that it has kept from before. Nothing can be done about it. */
  exitBypassed(): void;
}

/**
 * From now on `process.exit()` throws an `ExitCalled` where it is called: a program that is served does not end what others have under
 * way, and never as if all were well. Call it before modules load, since they may take the function over. The returned function sets who
 * hears of it.
 */
export function refuseExits(): (listener: ExitListener) => void {
  let listener: ExitListener | undefined;
  const refused = (code?: number | string | null): never => {
    // Nothing is left to stop, and a listener for the end must not make a success of a failure.
    if (isEnding) return undefined as never;
    const called = new ExitCalled(code, refused);
    listener?.exitCalled(called);
    throw called;
  };
  original = process.exit;
  process.exit = refused;
  syncBuiltinESMExports();
  process.on('exit', (code) => {
    if (isEnding) return;
    isEnding = true;
    if (code === 0) process.exitCode = 1;
    listener?.exitBypassed();
  });
  return (heard) => {
    listener = heard;
  };
}
