import { useState } from 'preact/hooks';
import { pathOf, post } from '../lib/api.ts';
import { ageText, countOf } from '../lib/format.ts';
import { usePagedList } from '../lib/list.ts';
import { figures } from '../lib/pipelines.ts';
import { setQuery, usePlace } from '../lib/router.ts';
import { commandLine } from '../lib/shell.ts';
import { useStore } from '../lib/store.ts';
import type { WaitingDelivery } from '../lib/types.ts';
import { Clock } from '../parts/clock.tsx';
import { List } from '../parts/list.tsx';
import { Operate } from '../parts/operate.tsx';
import { Command, Head, Panel } from '../parts/panel.tsx';
import { PipelineTabs } from '../parts/pipeline-tabs.tsx';
import { KeyLink, Table } from '../parts/table.tsx';

/** The calls of one pipeline that wait for their first or next attempt. */
export function DeliveriesView() {
  const { query } = usePlace();
  const { pipelines } = useStore(figures);
  const first = pipelines.find(({ deliveries }) => deliveries > 0) ?? pipelines[0];
  const name = query.pipeline ?? first?.name;
  return (
    <>
      <Head title="Deliveries" text="Calls to other programs that have no outcome yet. Each is retried by itself.">
        <Clock />
      </Head>
      <PipelineTabs value={name} count={({ deliveries }) => deliveries} onChange={(pipeline) => setQuery({ pipeline })} />
      {name !== undefined && <Deliveries key={name} pipeline={name} />}
      <Command line={commandLine('millrace deliveries', { operands: [name ?? 'NAME'] })} />
    </>
  );
}

function Deliveries({ pipeline }: { readonly pipeline: string }) {
  const path = `${pathOf('pipelines', pipeline)}/deliveries`;
  const list = usePagedList<WaitingDelivery>(path, {});
  const [done, setDone] = useState<Readonly<Record<string, string>>>({});
  return (
    <Panel title="Waiting" note={pipeline}>
      <List list={list} noun="delivery" nouns="deliveries" empty={<p>No delivery of {pipeline} waits.</p>}>
        {(items) => (
          <Table
            heads={[
              'Key',
              ['Endpoint', 'narrow-hidden'],
              ['Age', 'right narrow-hidden'],
              ['Attempts', 'right narrow-hidden'],
              ['Last failure', 'narrow-hidden'],
              'Next attempt',
              ['Actions', 'hidden'],
            ]}
            items={items}
            row={(item) => (
              <Row
                key={nameOf(item)}
                item={item}
                pipeline={pipeline}
                done={done[nameOf(item)]}
                did={(what) => setDone((before) => ({ ...before, [nameOf(item)]: what }))}
              />
            )}
          />
        )}
      </List>
    </Panel>
  );
}

/** An id is unique only for its endpoint and key. */
function nameOf({ endpoint, key, id }: WaitingDelivery): string {
  return JSON.stringify([endpoint, key, id]);
}

interface RowProps {
  readonly item: WaitingDelivery;
  readonly pipeline: string;
  readonly done: string | undefined;
  readonly did: (what: string) => void;
}

function Row({ item: { id, endpoint, key = '', askedAt, attempts, dueAt, lastFailure }, pipeline, done, did }: RowProps) {
  const now = Date.now();
  const act = (what: 'send' | 'withdraw') => async (reason: string | undefined) => {
    await post(`${pathOf('pipelines', pipeline, 'keys', key, 'deliveries', endpoint, id)}/${what}`, {
      ...(reason !== undefined && { reason }),
    });
    did(what === 'send' ? 'sending now' : 'withdrawn');
  };
  return (
    <tr data-row>
      <th scope="row">
        <KeyLink pipeline={pipeline} name={key} />
        <span class="narrow-only">
          {endpoint} · {countOf(attempts, 'attempt')}
          {lastFailure !== null && ` · ${lastFailure.reason}`}
        </span>
      </th>
      <td class="narrow-hidden">{endpoint}</td>
      <td class="right nowrap narrow-hidden">{ageText(askedAt, now)}</td>
      <td class="right narrow-hidden">{attempts}</td>
      <td class="second narrow-hidden" title={lastFailure?.at}>
        {lastFailure?.reason ?? '–'}
      </td>
      <td class="nowrap">{dueAt === null ? 'when requested' : new Date(dueAt).getTime() < now ? 'due' : ageText(dueAt, now)}</td>
      <td class="right row-acts">
        {done ?? (
          <>
            <Operate title={`Send ${id} now`} action="Send now" isPlain act={act('send')}>
              Send now…
            </Operate>{' '}
            <Operate
              title={`Withdraw ${id}`}
              text="No more calls are made for it."
              action="Withdraw"
              isDanger
              isPlain
              act={act('withdraw')}
            >
              Withdraw…
            </Operate>
          </>
        )}
      </td>
    </tr>
  );
}
