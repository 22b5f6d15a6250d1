import { get, type Page, pathOf } from '../../lib/api.ts';
import { ageText, countOf } from '../../lib/format.ts';
import { useLoaded } from '../../lib/load.ts';
import { hrefOf } from '../../lib/router.ts';
import { shellWord } from '../../lib/shell.ts';
import type { PipelineDetails, WaitingDelivery } from '../../lib/types.ts';
import { Answer, Panel } from '../../parts/panel.tsx';
import { ScheduleFacts, ScheduleSwitch, useSchedule } from '../schedules.tsx';
import type { ArmedTimer } from '../timers.tsx';
import { SourcePanel } from './source.tsx';

const shown = 5;
const everyMs = 5_000;

/** The panels beside the keys: the topic, the schedule, deliveries, timers, and how to send the first event. */
export function SidePanels({ details }: { readonly details: PipelineDetails }) {
  const { name, declared, received, deadLetters, source } = details;
  return (
    <div class="column">
      {source !== null && <SourcePanel source={source} />}
      {declared.hasSchedule && <SchedulePanel name={name} />}
      {declared.endpoints.length > 0 && <DeliveriesPanel name={name} />}
      {declared.timers.length > 0 && <TimersPanel name={name} />}
      {deadLetters > 0 && (
        <Panel
          title="Dead letters"
          note={deadLetters}
          end={
            <a class="button" href={hrefOf(['dead-letters'], { pipeline: name })}>
              Review
            </a>
          }
        />
      )}
      {received === 0 && declared.genericIngest && (
        <Panel title="No event yet" note="since this process started">
          <div class="empty">
            <p>Send one:</p>
            <pre>{`curl ${shellWord(`${location.origin}${pathOf('pipelines', name, 'events')}`)} \\\n  -d '{…}'`}</pre>
            <a class="link" href="/docs">
              The schema of an event
            </a>
          </div>
        </Panel>
      )}
    </div>
  );
}

function SchedulePanel({ name }: { readonly name: string }) {
  const schedule = useSchedule(name);
  const { value, again } = schedule;
  return (
    <Panel title="Schedule" end={value && <ScheduleSwitch name={name} status={value.status} again={again} />}>
      <div class="body">
        <Answer of={schedule}>{(found) => <ScheduleFacts schedule={found} />}</Answer>
      </div>
    </Panel>
  );
}

function DeliveriesPanel({ name }: { readonly name: string }) {
  const list = useLoaded(
    (signal) => get<Page<WaitingDelivery>>(`${pathOf('pipelines', name)}/deliveries`, { limit: shown }, signal),
    [name],
    everyMs,
  );
  const now = Date.now();
  return (
    <Panel
      title="Deliveries waiting"
      end={
        <a class="link" href={hrefOf(['deliveries'], { pipeline: name })}>
          All
        </a>
      }
    >
      <Answer of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="empty">No delivery waits.</p>
          ) : (
            <ul class="due">
              {items.map(({ id, endpoint, key = '', attempts, askedAt }) => (
                <li key={id}>
                  <a class="mono" href={hrefOf(['pipelines', name, 'keys', key])}>
                    {key}
                  </a>
                  <span>{endpoint}</span>
                  <span class="right quiet">{countOf(attempts, 'attempt')}</span>
                  <span class="right nowrap">{ageText(askedAt, now)}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </Panel>
  );
}

function TimersPanel({ name }: { readonly name: string }) {
  const list = useLoaded(
    (signal) => get<Page<ArmedTimer>>(`${pathOf('pipelines', name)}/timers`, { limit: shown }, signal),
    [name],
    everyMs,
  );
  const now = Date.now();
  return (
    <Panel
      title="Timers due soon"
      end={
        <a class="link" href={hrefOf(['timers'], { pipeline: name })}>
          All
        </a>
      }
    >
      <Answer of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="empty">No timer is armed.</p>
          ) : (
            <ul class="due">
              {items.map(({ key, name: timer, dueAt }) => (
                <li key={`${key} ${timer}`}>
                  <a class="mono" href={hrefOf(['pipelines', name, 'keys', key])}>
                    {key}
                  </a>
                  <span>{timer}</span>
                  <span />
                  <span class="right nowrap">{new Date(dueAt).getTime() < now ? 'due' : ageText(dueAt, now)}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </Panel>
  );
}
