import { durationText, preciseText } from '../lib/format.ts';
import { Glyph, type GlyphName } from '../parts/glyph.tsx';
import { chaptersOf, type Row } from './chapters.ts';
import { commitsOf, type Item } from './model.ts';

interface StoryProps {
  /** The newest first. */
  readonly items: readonly Item[];
  readonly chosen: string | undefined;
  readonly choose: (id: string | undefined) => void;
}

/** The history in words: newest first, in chapters, each item with its cause. It contains everything in the picture. */
export function Story({ items, chosen, choose }: StoryProps) {
  const byId = new Map(items.map((item) => [item.id, item]));
  const commits = commitsOf(items);
  return (
    <ol class="story">
      {chaptersOf(items).map(({ title, note, isParked, rows }) => (
        <>
          <li class={`chapter ${isParked ? 'parked-chapter' : ''}`}>
            {isParked && <Glyph name="parked" />}
            <h3>{title}</h3>
            <span>{note}</span>
          </li>
          {rows.map((row) => (
            <StoryRow
              key={row.items[0]?.id}
              row={row}
              isChosen={row.items.some(({ id }) => id === chosen)}
              cause={causeOf(row, byId)}
              together={row.items.length === 1 ? (commits.get(row.items[0]?.commit ?? '') ?? []) : []}
              choose={choose}
            />
          ))}
        </>
      ))}
    </ol>
  );
}

function causeOf({ items }: Row, byId: ReadonlyMap<string, Item>): Item | undefined {
  const cause = items[0]?.causedBy;
  return cause == null ? undefined : byId.get(cause);
}

function glyphOf({ kind, isGood }: Item): GlyphName {
  switch (kind) {
    case 'accepted':
      return 'event';
    case 'turn':
    case 'outcome':
    case 'other':
      return isGood === false ? 'dead' : 'turn';
    case 'call':
      return isGood === false ? 'dead' : 'delivery';
    case 'delivery asked':
    case 'withdrawn':
      return 'delivery';
    case 'parked':
      return 'parked';
    case 'timer set':
    case 'timer due':
    case 'timer cancelled':
      return 'timer';
    case 'sent':
      return 'send';
    case 'operator':
      return 'flag';
  }
}

interface StoryRowProps {
  readonly row: Row;
  readonly isChosen: boolean;
  readonly cause: Item | undefined;
  /** Items on disk together with it. */
  readonly together: readonly Item[];
  readonly choose: (id: string | undefined) => void;
}

function StoryRow({ row, isChosen, cause, together, choose }: StoryRowProps) {
  const [first] = row.items;
  if (first === undefined) return null;
  const { id, at, end } = row.items.at(-1) ?? first;
  const duration = first.end - at > 0 ? durationText(first.end - at) : '';
  return (
    <li class={isChosen ? 'is-chosen' : ''} data-row data-item={id}>
      <div class="line">
        <button type="button" class="item-row" aria-expanded={isChosen} onClick={() => choose(isChosen ? undefined : first.id)}>
          <time class="mono small" dateTime={new Date(at).toISOString()}>
            {preciseText(at)}
          </time>
          <Glyph name={glyphOf(first)} />
          <span>{row.text}</span>
          <span class="duration quiet small">{duration || (end > at ? durationText(end - at) : '')}</span>
          <Glyph name="more" />
        </button>
        {cause !== undefined && (
          <button type="button" class="from" title={`Caused by: ${cause.text}`} onClick={() => choose(cause.id)}>
            {cause.label === '' ? cause.text : cause.label}
          </button>
        )}
      </div>
      {isChosen && <More items={row.items} together={together} />}
    </li>
  );
}

function More({ items, together }: { readonly items: readonly Item[]; readonly together: readonly Item[] }) {
  const [first] = items;
  if (first === undefined) return null;
  const others = together.filter(({ id }) => id !== first.id);
  const { payload, stack, reason: _, ...rest } = first.details;
  const facts = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined && typeof value !== 'object');
  return (
    <div class="more">
      {others.length > 0 && (
        <div>
          <h4 class="small">One commit did all of this</h4>
          <ul class="effects">
            {others.map((item) => (
              <li key={item.id}>
                <Glyph name={glyphOf(item)} /> {item.text}
              </li>
            ))}
          </ul>
        </div>
      )}
      {items.length > 1 && (
        <ul class="effects">
          {items.map((item) => (
            <li key={item.id}>
              <Glyph name={glyphOf(item)} /> <span class="mono small">{preciseText(item.at)}</span> {item.text}
            </li>
          ))}
        </ul>
      )}
      {facts.length > 0 && (
        <dl class="pairs small">
          {facts.map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{typeof value === 'number' && name.endsWith('At') ? preciseText(value) : String(value)}</dd>
            </>
          ))}
        </dl>
      )}
      {(typeof stack === 'string' || first.reason !== undefined) && (
        <Stack text={typeof stack === 'string' ? stack : (first.reason ?? '')} />
      )}
      {payload !== undefined && payload !== null && <pre>{JSON.stringify(payload, null, 2)}</pre>}
    </div>
  );
}

/** An error and its place: the program's frames; the engine's are counted. */
export function Stack({ text }: { readonly text: string }) {
  const [head = '', ...lines] = text.split('\n');
  const isOwn = (line: string) => !/node:internal|\/millrace\/|node_modules/.test(line);
  const folded = lines.filter((line) => !isOwn(line)).length;
  return (
    <pre>
      <b>{head}</b>
      {lines
        .filter(isOwn)
        .map((line) => `\n${shortened(line)}`)
        .join('')}
      {folded > 0 && `\n    ${folded} ${folded === 1 ? 'frame' : 'frames'} of the engine and Node.js`}
    </pre>
  );
}

/** Shortens a frame to the end of its path: the location of a program on its machine is the same for all of its frames. */
function shortened(line: string): string {
  return line.replace(/(?:file:\/\/)?\/[^\s()]*\/([^/\s()]+\/[^/\s()]+:\d+:\d+)/, '$1');
}
