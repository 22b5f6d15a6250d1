import { useState } from 'preact/hooks';
import { get, type Page, post } from '../../lib/api.ts';
import { ageText, momentText } from '../../lib/format.ts';
import { useLoaded } from '../../lib/load.ts';
import { hrefOf } from '../../lib/router.ts';
import { access, mayOperate } from '../../lib/session.ts';
import { useStore } from '../../lib/store.ts';
import { Clock } from '../../parts/clock.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { Answer, Command, Head, Panel, Segments } from '../../parts/panel.tsx';

interface Message {
  readonly id: string;
  readonly to: string;
  readonly content: string;
  readonly status: string;
  readonly sentAt: string | null;
  readonly createdAt: string;
  readonly attempts?: number;
  readonly reason?: string;
}

type MessagePage = Page<Message> & { readonly messages?: readonly Message[] };

interface Scheduler {
  readonly running: boolean;
  readonly inBatch: boolean;
  readonly interval: string;
  readonly lastRunAt: string | null;
  readonly nextRunAt: string | null;
}

type Listing = 'pending' | 'sent' | 'failed';
const listings: readonly (readonly [Listing, string])[] = [
  ['pending', 'Pending'],
  ['sent', 'Sent'],
  ['failed', 'Failed'],
];
const everyMs = 2_000;

/** Pending, sent and failed messages, a form for a new message, and the batches that send them. */
export function MessagesView() {
  const [listing, setListing] = useState<Listing>('pending');
  const list = useLoaded((signal) => get<MessagePage>(`/messages/${listing}`, { limit: 20 }, signal), [listing], everyMs);
  return (
    <>
      <Head title="Messages" text="Messages wait until the next batch, which sends a few of them at a time.">
        <Clock />
      </Head>
      <div class="columns">
        <Panel
          title="Messages"
          note="newest first, as they are now"
          end={<Segments label="List" options={listings} value={listing} onChange={setListing} />}
        >
          <Answer of={list}>{(page) => <Table messages={page.items ?? page.messages ?? []} listing={listing} />}</Answer>
        </Panel>
        <div class="column">
          <SchedulerPanel />
          <Compose
            sent={() => {
              setListing('pending');
              list.again();
            }}
          />
        </div>
      </div>
      <Command path={`/messages/${listing}`} />
    </>
  );
}

const empty: Readonly<Record<Listing, string>> = {
  pending: 'No message is pending. Write one, and watch the next batch send it.',
  sent: 'No message has been sent yet.',
  failed: 'No message has failed for good.',
};

function Table({ messages, listing }: { readonly messages: readonly Message[]; readonly listing: Listing }) {
  const now = Date.now();
  if (messages.length === 0) return <p class="empty">{empty[listing]}</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">To</th>
            <th scope="col">Content</th>
            <th scope="col">{listing === 'failed' ? 'Reason' : 'Attempts'}</th>
            <th scope="col" class="right">
              {listing === 'sent' ? 'Sent, UTC' : 'Age'}
            </th>
          </tr>
        </thead>
        <tbody>
          {messages.map(({ id, to, content, sentAt, createdAt, attempts = 0, reason }) => (
            <tr key={id} data-row>
              <th scope="row">
                <a class="mono" href={hrefOf(['pipelines', 'messages', 'keys', id])}>
                  {to}
                </a>
              </th>
              <td class="cut" title={content}>
                {content}
              </td>
              <td class={listing === 'failed' ? 'red' : 'second'}>{listing === 'failed' ? reason : attemptsText(attempts, reason)}</td>
              <td class="right nowrap">{sentAt === null ? ageText(createdAt, now) : momentText(sentAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function attemptsText(attempts: number, reason: string | undefined): string {
  if (attempts === 0) return '–';
  return reason === undefined ? String(attempts) : `${attempts}, last: ${reason}`;
}

function SchedulerPanel() {
  const scheduler = useLoaded((signal) => get<Scheduler>('/scheduler', {}, signal), [], everyMs);
  const known = useStore(access);
  const [isBusy, setIsBusy] = useState(false);
  const { value } = scheduler;
  const turn = async () => {
    setIsBusy(true);
    await post('/scheduler', { action: value?.running === true ? 'stop' : 'start' });
    scheduler.again();
    setIsBusy(false);
  };
  const button = value !== undefined && (
    <button type="button" class="button" disabled={isBusy || !mayOperate(known)} onClick={() => void turn()}>
      {value.running ? 'Stop' : 'Start'}
    </button>
  );
  return (
    <Panel title="Scheduler" end={button}>
      <div class="body">
        <Answer of={scheduler}>
          {({ running, inBatch, interval, lastRunAt, nextRunAt }) => (
            <dl class="pairs">
              <dt>Status</dt>
              <dd class="state" data-scheduler={running ? 'running' : 'stopped'}>
                <Glyph name={running ? 'flowing' : 'paused'} /> {running ? 'running' : 'stopped'}
                {inBatch && ', sending a batch'}
              </dd>
              <dt>Batches</dt>
              <dd>every {interval.replace(/(\d)([a-z])/g, '$1 $2')}</dd>
              <dt>Last batch</dt>
              <dd>{lastRunAt === null ? 'none yet' : `${momentText(lastRunAt)} UTC`}</dd>
              <dt>Next batch</dt>
              <dd>{nextRunAt === null ? 'none until someone starts it' : `${momentText(nextRunAt)} UTC`}</dd>
            </dl>
          )}
        </Answer>
      </div>
    </Panel>
  );
}

function Compose({ sent }: { readonly sent: () => void }) {
  const [to, setTo] = useState('');
  const [content, setContent] = useState('');
  const [said, setSaid] = useState<string>();
  const [isWrong, setIsWrong] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const { id } = await post<Message>('/messages/pending', { to, content });
      setSaid(`Accepted as ${id}. The next batch sends it.`);
      setIsWrong(false);
      setTo('');
      setContent('');
      sent();
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
      setIsWrong(true);
    }
  };
  return (
    <Panel title="New message">
      <form class="compose" onSubmit={submit}>
        <span class="field">
          <input
            aria-label="To"
            placeholder="To, such as +905551234567"
            required
            maxLength={20}
            value={to}
            onInput={(event) => setTo(event.currentTarget.value)}
          />
        </span>
        <span class="field">
          <textarea
            aria-label="Content"
            placeholder="Content, at most 255 characters"
            required
            maxLength={255}
            rows={3}
            value={content}
            onInput={(event) => setContent(event.currentTarget.value)}
          />
        </span>
        <button type="submit" class="button main">
          Send with the next batch
        </button>
        {said !== undefined && (
          <p class={isWrong ? 'notice red' : 'second'} role="status">
            {said}
          </p>
        )}
      </form>
    </Panel>
  );
}
