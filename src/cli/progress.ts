import { SingleBar } from 'cli-progress';

/** The progress of a run, for people. */
export interface Progress {
  /** Adds to the amount done. */
  step(count?: number): void;
  /** Prints a remark once; repetitions are dropped. */
  note(text: string): void;
  /** Shows what the run waits for, or an empty text for nothing; only a bar shows it. */
  status(text: string): void;
  /** Writes whole lines to stdout or stderr without colliding with the bar. */
  print(stream: NodeJS.WriteStream, lines: string): void;
  end(): void;
}

/** Shows a bar on stderr if that is a terminal; otherwise only the notes, a line each. */
export function progressOf(total: number): Progress {
  return process.stderr.isTTY ? bar(total) : lines();
}

const clearLine = '\r\x1b[K';
/** At its end the bar returns to the saved cursor, so the saved place moves along with the lines. */
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
