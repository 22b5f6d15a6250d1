import { SingleBar } from 'cli-progress';

/** How far a run has come, for people. */
export interface Progress {
  /** One more of the total is done. */
  step(): void;
  /** Something to know beside it; the same again is not told again. */
  note(text: string): void;
  end(): void;
}

/** A bar on stderr when that is a terminal; otherwise only the notes, a line each. */
export function progressOf(total: number): Progress {
  return process.stderr.isTTY ? bar(total) : lines();
}

function bar(total: number): Progress {
  const single = new SingleBar({
    format: '{bar} {percentage}% · {value} of {total} · {eta_formatted} left {note}',
    stream: process.stderr,
    hideCursor: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });
  single.start(total, 0, { note: '' });
  return {
    step: () => single.increment({ note: '' }),
    note: (text) => single.update({ note: `· ${text}` }),
    end: () => single.stop(),
  };
}

function lines(): Progress {
  let told = '';
  return {
    step: () => undefined,
    note(text) {
      if (text !== told) process.stderr.write(`${text}\n`);
      told = text;
    },
    end: () => undefined,
  };
}
