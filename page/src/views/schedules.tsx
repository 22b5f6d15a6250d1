import { get, type Page, pathOf, post } from '../lib/api.ts';
import { ageText, momentText } from '../lib/format.ts';
import { type Loaded, useLoaded } from '../lib/load.ts';
import { hrefOf } from '../lib/router.ts';
import type { ScheduleStatus } from '../lib/types.ts';
import { Clock } from '../parts/clock.tsx';
import { Glyph } from '../parts/glyph.tsx';
import { Operate } from '../parts/operate.tsx';
import { Answer, Command, Head, Panel } from '../parts/panel.tsx';

const everyMs = 3_000;

interface Scheduled extends ScheduleStatus {
  readonly pipeline: string;
}

/** All schedules and their status. */
export function SchedulesView() {
  const schedules = useLoaded((signal) => findSchedules(signal), [], everyMs);
  return (
    <>
      <Head title="Schedules" text="Pipelines that fetch events from a source, at set times.">
        <Clock />
      </Head>
      <Panel title="Schedules">
        <Answer of={schedules}>
          {(found) =>
            found.length === 0 ? (
              <div class="empty">
                <p>No pipeline has a schedule. A pipeline declares one:</p>
                <code>{"schedule: { every: '1h', source }"}</code>
              </div>
            ) : (
              found.map((schedule) => <Row key={schedule.pipeline} schedule={schedule} again={schedules.again} />)
            )
          }
        </Answer>
      </Panel>
      <Command line="millrace schedules" />
    </>
  );
}

/** Requests all pages at once, since a server has few schedules. */
async function findSchedules(signal: AbortSignal): Promise<readonly Scheduled[]> {
  const found: Scheduled[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<Scheduled> = await get('/schedules', { limit: 100, cursor }, signal);
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

function Row({ schedule, again }: { readonly schedule: Scheduled; readonly again: () => void }) {
  return (
    <div class="schedule-row" data-row>
      <a class="link" href={hrefOf(['pipelines', schedule.pipeline])}>
        {schedule.pipeline}
      </a>
      <ScheduleFacts schedule={schedule} />
      <ScheduleSwitch name={schedule.pipeline} status={schedule.status} again={again} />
    </div>
  );
}

/** The status of a schedule, in words. */
export function ScheduleFacts({
  schedule: { status, isAtWork, lastRunAt, nextRunAt, lastFailure },
}: {
  readonly schedule: ScheduleStatus;
}) {
  const now = Date.now();
  return (
    <dl class="pairs">
      <dt>Status</dt>
      <dd class="state">
        <Glyph name={status === 'running' ? 'flowing' : 'paused'} /> {status}
        {isAtWork && ', run under way'}
      </dd>
      <dt>Next run</dt>
      <dd>{nextRunAt === null ? 'none until someone starts it' : `${momentText(nextRunAt)} UTC · ${ageText(nextRunAt, now)}`}</dd>
      <dt>Last run</dt>
      <dd>{lastRunAt === null ? 'none yet' : `${momentText(lastRunAt)} UTC · ${ageText(lastRunAt, now)} ago`}</dd>
      {lastFailure !== null && (
        <>
          <dt>Last failure</dt>
          <dd class="red">{lastFailure}</dd>
        </>
      )}
    </dl>
  );
}

interface SwitchProps {
  readonly name: string;
  readonly status: ScheduleStatus['status'];
  readonly again: () => void;
}

/** Stops a running schedule, and starts a stopped one. */
export function ScheduleSwitch({ name, status, again }: SwitchProps) {
  const action = status === 'running' ? 'stop' : 'start';
  const act = async (reason: string | undefined) => {
    await post(`${pathOf('pipelines', name)}/schedule`, { action, ...(reason !== undefined && { reason }) });
    again();
  };
  const text =
    action === 'stop' ? 'A run under way ends first. The schedule stays stopped, even after a restart.' : 'Runs become due again.';
  const word = action === 'stop' ? 'Stop' : 'Start';
  return (
    <Operate title={`${word} the schedule of ${name}`} text={text} action={word} act={act}>
      {word}…
    </Operate>
  );
}

/** Loads the schedule of one pipeline separately. */
export function useSchedule(name: string): Loaded<ScheduleStatus> {
  return useLoaded((signal) => get<ScheduleStatus>(`${pathOf('pipelines', name)}/schedule`, {}, signal), [name], everyMs);
}
