import { useState } from 'preact/hooks';
import { countOf, countText } from '../../lib/format.ts';
import type { Source, SourcePartition } from '../../lib/types.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';

/** Partitions shown until the reader asks for all of them. */
const shownMax = 10;

/** The topic of a pipeline: how far each partition has been read, and what holds it up. */
export function SourcePanel({ source: { name, partitions, warnings } }: { readonly source: Source }) {
  const [areAll, setAreAll] = useState(false);
  const lag = partitions.reduce((sum, one) => sum + one.lag, 0);
  const heldUp = partitions.filter(({ noRoom }) => noRoom !== null).length;
  // The rows of held-up partitions already give their reasons.
  const others = warnings.filter((warning) => !partitions.some(({ noRoom }) => noRoom !== null && warning.endsWith(noRoom)));
  const shown = areAll ? partitions : worstOf(partitions);
  return (
    <Panel title="Topic" note={name}>
      {others.map((warning) => (
        <p key={warning} class="notice inset">
          {warning}
        </p>
      ))}
      {partitions.length === 0 ? (
        <p class="empty">This process reads none of its partitions.</p>
      ) : (
        <Table
          isText
          heads={['Partition', ['Next offset', 'right'], ['End', 'right narrow-hidden'], ['Lag', 'right']]}
          items={shown}
          row={(one) => <Partition key={one.partition} {...one} />}
        />
      )}
      {partitions.length > 0 && (
        <footer>
          <span>
            {`${countOf(lag, 'record')} left to read in ${countOf(partitions.length, 'partition')}`}
            {heldUp > 0 && `, ${heldUp} held up`}
          </span>
          {partitions.length > shownMax && (
            <button type="button" class="button plain" aria-pressed={areAll} onClick={() => setAreAll(!areAll)}>
              {areAll ? `Show the ${shownMax} that lag most` : `Show all ${partitions.length}`}
            </button>
          )}
        </footer>
      )}
    </Panel>
  );
}

function Partition({ partition, next, end, lag, noRoom }: SourcePartition) {
  return (
    <tr>
      <th scope="row">
        <span class="state">
          <Glyph name={noRoom !== null ? 'stalled' : lag > 0 ? 'behind' : 'flowing'} />
          {partition}
        </span>
        {noRoom !== null && <span class="held-up">Held up: {noRoom}</span>}
      </th>
      <td class="right">{next}</td>
      <td class="right narrow-hidden">{end}</td>
      <td class="right">{countText(lag)}</td>
    </tr>
  );
}

/** Returns the partitions that are held up or lag most, by number. */
function worstOf(partitions: readonly SourcePartition[]): readonly SourcePartition[] {
  const weight = ({ noRoom, lag }: SourcePartition) => (noRoom === null ? 0 : Number.MAX_SAFE_INTEGER) + lag;
  const worst = new Set(partitions.toSorted((a, b) => weight(b) - weight(a)).slice(0, shownMax));
  return partitions.filter((one) => worst.has(one));
}
