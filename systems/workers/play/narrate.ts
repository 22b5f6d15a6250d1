import type { Place } from '../place.ts';
import type { Spoken } from '../spoken.ts';
import type { MessagesFile } from './messages-file.ts';

/** A message of a play as it is said. */
type Played = Spoken & { readonly place: Place };

/** The output of a play. */
export interface Narrator {
  /** Returns the text before everything else. */
  open(file: Pick<MessagesFile, 'tableSchema' | 'sample'>): string;
  tell(played: Played): string;
}

/** A block for each message, and an empty line. Texts are printed unchanged. */
export const blockNarrator: Narrator = { open: () => '', tell: (played) => `${blockOf(played)}\n` };

/** Adds the table, one of its rows, and in each block the rest of the sender's row. */
export const verboseNarrator: Narrator = {
  open({ tableSchema, sample }) {
    const row = sample === undefined ? '' : `Sample row:\nID: ${sample.id}\nData: ${sample.data}\n\n`;
    return `Table schema:\n${tableSchema}\n\n${row}`;
  },
  tell(played) {
    const { interval, accumulated_time } = played.place;
    return `${blockOf(played)}interval: ${interval} ms
accumulated_time: ${accumulated_time} ms
destination_worker: ${played.destination_worker}

`;
  },
};

/** A line of JSON for each message, with all its details. */
export const jsonNarrator: Narrator = {
  open: () => '',
  tell({ worker, worker_listened, message, message_listened, destination_worker, place: { row, interval, accumulated_time } }) {
    const fields = { worker, worker_listened, message, message_listened, interval, accumulated_time, destination_worker };
    // The id of a row may be a number that JavaScript cannot represent exactly.
    return `{"id":${row},${JSON.stringify(fields).slice(1)}\n`;
  },
};

function blockOf({ worker, worker_listened, message, message_listened }: Played): string {
  return `worker: ${worker}
worker_listened: ${worker_listened}
message: "${message}"
message_listened: "${message_listened}"
`;
}
