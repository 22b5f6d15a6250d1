import { countText } from '../../lib/format.ts';
import type { Source } from '../../lib/types.ts';
import { Panel } from '../../parts/panel.tsx';

/** How far the topic was read that a pipeline takes events from, by partition. */
export function SourcePanel({ source: { name, partitions, warnings } }: { readonly source: Source }) {
  return (
    <Panel title="Topic" note={name}>
      {warnings.map((warning) => (
        <p key={warning} class="empty">
          {warning}
        </p>
      ))}
      {partitions.length === 0 ? (
        <p class="empty">This process reads none of its partitions.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Partition</th>
                <th scope="col" class="right">
                  Next offset
                </th>
                <th scope="col" class="right">
                  Lag
                </th>
              </tr>
            </thead>
            <tbody>
              {partitions.map(({ partition, next, lag, noRoom }) => (
                <tr key={partition} title={noRoom ?? undefined}>
                  <th scope="row">{partition}</th>
                  <td class="right">{next}</td>
                  <td class="right">
                    {countText(lag)}
                    {noRoom !== null && ' (no room)'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
