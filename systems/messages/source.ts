import { type RawBuilder, sql } from 'kysely';
import { type Source, tableSource } from '../../src/index.ts';
import { lengthMax, type MessageEvent } from './message.ts';
import { timeOrder, toText } from './moment.ts';
import { messages } from './table.ts';

/** Maximum UTF-8 bytes of a character. */
const utf8BytesMax = 4;

/**
 * Returns the rows of a batch: pending, not deleted, past their backoff, oldest first. SQL users can write anything, so rows that cannot be
 * read or named stay in the database: no row may block those behind it.
 *
 * While the provider does not answer, each batch is a probe. Then the least tried messages go first, so that no message exhausts its
 * attempts for the others.
 */
export function dueMessages(isProviderWell: () => boolean): Source<MessageEvent> {
  return tableSource(messages, {
    rows(query, { now }) {
      const select = query
        .select(['id', unlessFarTooLong('to').as('to'), unlessFarTooLong('content').as('content')])
        .where('status', '=', 'PENDING')
        .where('deleted_at', 'is', null)
        .where(({ eb, or }) => or([eb('retry_at', 'is', null), eb('retry_at', '<=', toText(now))]))
        .where(hasUsableId);
      const byNeed = isProviderWell() ? select : select.orderBy('attempts');
      return byNeed.orderBy(timeOrder('created_at')).orderBy('id');
    },
    event: (row) => ({ kind: 'due', ...row }),
  });
}

const ofUuids = Array.from('0123456789abcdef-');
const printable = Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCharCode(0x20 + at));

/**
 * 1 to 512 printable ASCII characters, as in any UUID: usable as a key, and the same in JavaScript as in SQL. A UUID is recognised faster
 * on its own.
 */
const hasUsableId = sql<boolean>`length(id) between 1 and 512 and (${idHasOnly(ofUuids)} or ${idHasOnly(printable)})`;

/** No pattern, and no function that removes several characters at once, works the same in all databases. */
function idHasOnly(characters: readonly string[]): RawBuilder<boolean> {
  const rest = characters.reduce((text, character) => sql<string>`replace(${text}, ${character}, '')`, sql<string>`id`);
  return sql<boolean>`${rest} = ''`;
}

function unlessFarTooLong(column: keyof typeof lengthMax): RawBuilder<string | null> {
  const bytesMax = sql.lit(lengthMax[column] * utf8BytesMax);
  return sql<string | null>`case when octet_length(${sql.ref(column)}) <= ${bytesMax} then ${sql.ref(column)} end`;
}
