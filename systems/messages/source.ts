import { type RawBuilder, sql } from 'kysely';
import { type Source, tableSource } from '../../src/index.ts';
import { lengthMax, type MessageEvent } from './message.ts';
import { timeOrder, toText } from './moment.ts';
import { messages } from './table.ts';

/** Bytes that a character has at most in UTF-8. */
const utf8BytesMax = 4;

/**
 * The rows of a batch: pending, not deleted, their backoff passed, oldest first. Whoever writes SQL can write anything, so
 * whatever cannot be read or named stays in the database: no row may keep those behind it from their turn.
 *
 * While the provider does not answer, each batch is a probe of it. Then those go first that were tried least, so that no
 * message wears its attempts out for the others.
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
 * 1 to 512 printable characters of ASCII, which any UUID is: the name of a key, and the same in JavaScript as in SQL. A UUID is recognised
 * sooner by itself.
 */
const hasUsableId = sql<boolean>`length(id) between 1 and 512 and (${idHasOnly(ofUuids)} or ${idHasOnly(printable)})`;

/** No pattern, and no function that takes several characters out at once, is the same in all databases. */
function idHasOnly(characters: readonly string[]): RawBuilder<boolean> {
  const rest = characters.reduce((text, character) => sql<string>`replace(${text}, ${character}, '')`, sql<string>`id`);
  return sql<boolean>`${rest} = ''`;
}

function unlessFarTooLong(column: keyof typeof lengthMax): RawBuilder<string | null> {
  const bytesMax = sql.lit(lengthMax[column] * utf8BytesMax);
  return sql<string | null>`case when octet_length(${sql.ref(column)}) <= ${bytesMax} then ${sql.ref(column)} end`;
}
