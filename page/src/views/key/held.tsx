import { ageText, countOf } from '../../lib/format.ts';
import { hrefOf } from '../../lib/router.ts';
import type { HeldEvent, KeyDetails } from '../../lib/types.ts';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';

const reasons: Readonly<Record<HeldEvent['reason'], string>> = {
  number: 'an earlier number is missing',
  retry: 'will be retried',
  parked: 'the key is parked',
  order: 'an earlier event is held',
  turn: 'its turn comes next',
};

/** The pending work of a key: held events, timers, deliveries. */
export function Held({ details: { held, timers, deliveries }, pipeline }: { readonly details: KeyDetails; readonly pipeline: string }) {
  const now = Date.now();
  return (
    <>
      {held.length > 0 && (
        <Panel title="Held events" note={held.length}>
          <ul class="due">
            {held.map(({ id, number, acceptedAt, reason, retryAt }) => (
              <li key={id}>
                <span class="mono">{number ?? `${id.slice(0, 8)}…`}</span>
                <span class="second">{reasons[reason]}</span>
                <span class="right nowrap">{retryAt === null ? '' : ageText(retryAt, now)}</span>
                <span class="right">
                  <Moment at={acceptedAt} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {timers.length > 0 && (
        <Panel title="Timers" note={timers.length}>
          <ul class="due">
            {timers.map(({ name, dueAt }) => (
              <li key={name}>
                <span>{name}</span>
                <span />
                <span class="right nowrap">{ageText(dueAt, now)}</span>
                <span class="right">
                  <Moment at={dueAt} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {deliveries.length > 0 && (
        <Panel
          title="Deliveries"
          note={deliveries.length}
          end={
            <a class="link" href={hrefOf(['deliveries'], { pipeline })}>
              All
            </a>
          }
        >
          <ul class="due">
            {deliveries.map(({ id, endpoint, attempts, dueAt, lastFailure }) => (
              <li key={`${endpoint} ${id}`}>
                <span>{endpoint}</span>
                <span class="quiet">
                  {countOf(attempts, 'attempt')}
                  {lastFailure !== null && `, last failure: ${lastFailure.reason}`}
                </span>
                <span />
                <span class="right nowrap">{dueAt === null ? 'when requested' : ageText(dueAt, now)}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}
