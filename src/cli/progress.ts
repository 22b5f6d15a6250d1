import { SingleBar } from 'cli-progress';

/** How far a run has come, for people. */
export interface Progress {
  /** So many more of the total are done. */
  step(count?: number): void;
  /** Something to know beside it; the same again is not told again. */
  note(text: string): void;
  /** What it waits for, empty for nothing any more; only a bar shows it. */
  status(text: string): void;
  /** Writes whole lines to stdout or stderr, which the bar would otherwise stand in. */
  print(stream: NodeJS.WriteStream, lines: string): void;
  end(): void;
}

/** A bar on stderr when that is a terminal; otherwise only the notes, a line each. */
export function progressOf(total: number): Progress {
  return process.stderr.isTTY ? bar(total) : lines();
}

const clearLine = '\r\x1b[K';
/** The bar goes back to where the cursor was saved when it ends, so that place moves along with the lines. */
const saveCursor = '\x1b7';

function bar(total: number): Progress {
  const single = new SingleBar({
    format: '{bar} {percentage}% · {value} of {total} · {eta_formatted} left {note}',
    stream: process.stderr,
    hideCursor: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    forceRedraw: true,
  });
  single.start(total, 0, { note: '' });
  const note = (text: string) => single.update({ note: text === '' ? '' : `· ${text}` });
  return {
    step: (count = 1) => single.increment(count, { note: '' }),
    note,
    status: note,
    print(stream, text) {
      process.stderr.write(clearLine);
      stream.write(text);
      process.stderr.write(saveCursor);
      single.render();
    },
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
    status: () => undefined,
    print: (stream, text) => stream.write(text),
    end: () => undefined,
  };
}
