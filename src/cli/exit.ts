import { syncBuiltinESMExports } from 'node:module';

/** Node.js's own function, while another one replaces it. */
let original: typeof process.exit | undefined;
let isEnding = false;

/** Ends the process. Every exit by Millrace itself goes through here: see {@link refuseExits}. */
export function exit(code?: number): never {
  isEnding = true;
  const end = original ?? process.exit;
  // With an undefined argument it would forget `process.exitCode`.
  return code === undefined ? end.call(process) : end.call(process, code);
}

/** Thrown where a served program called `process.exit()`. */
export class ExitCalled extends Error {
  override readonly name = 'ExitCalled';
  /** The requested exit code, unless it signals success. */
  readonly exitCode: number;

  constructor(code: unknown, calledAs: (code?: never) => never) {
    const asked = code ?? process.exitCode ?? 0;
    super(`the served program called process.exit(${String(asked)}); it must throw instead`);
    Error.captureStackTrace(this, calledAs);
    this.exitCode = Number(asked) || 1;
  }
}

/** Receives a served program's attempts to end the process. */
export interface ExitListener {
  /** The program has called `process.exit()`, which throws this error. */
  exitCalled(exit: ExitCalled): void;
  /** The program ends the process by a reference to `process.exit` that it kept from before. Nothing can be done about it. */
  exitBypassed(): void;
}

/**
 * Makes `process.exit()` throw an `ExitCalled`: a served program must not end the work of others, and never with a success code. Call it
 * before modules load, since they may keep a reference to the function. The returned function sets the listener.
 */
export function refuseExits(): (listener: ExitListener) => void {
  let listener: ExitListener | undefined;
  const refused = (code?: number | string | null): never => {
    // Nothing is left to stop, and an exit listener must not turn a failure into a success.
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
