import { get, type Page } from '../../lib/api.ts';
import { countText } from '../../lib/format.ts';
import { live } from '../../lib/live.ts';
import { useLoaded } from '../../lib/load.ts';
import { hrefOf } from '../../lib/router.ts';
import { useStore } from '../../lib/store.ts';
import { Clock } from '../../parts/clock.tsx';
import { Answer, Command, Head, Panel } from '../../parts/panel.tsx';

interface Worker {
  readonly worker: number;
  readonly worker_listened: number;
  readonly message_listened: string;
  readonly messages_heard: number;
  readonly messages_spoken: number;
}

const everyMs = 1_000;
const shown = 100;

/** The workers' conversation: the last message each has heard, and its sender. */
export function WorkersView() {
  const { isOn } = useStore(live);
  const list = useLoaded((signal) => get<Page<Worker>>('/workers', { limit: shown }, signal), [], isOn ? everyMs : undefined);
  return (
    <>
      <Head title="Workers" text="Each says something to another; what is said is heard in a turn of its own.">
        <Clock />
      </Head>
      <Panel title="Talking" note="as it is now">
        <Answer of={list}>
          {({ items }) => (
            <ul>
              {items.map(({ worker, worker_listened: from, message_listened: message, messages_heard: heard, messages_spoken: spoken }) => (
                <li key={worker} class="spoken" data-row>
                  <span>
                    <a class="link" href={hrefOf(['pipelines', 'workers', 'keys', String(worker)])}>
                      worker {worker}
                    </a>
                    <br />
                    <span class="quiet small">
                      {countText(heard)} heard, {countText(spoken)} said
                    </span>
                  </span>
                  {from === 0 ? (
                    <span class="quiet">has heard nothing yet</span>
                  ) : (
                    <span>
                      <span class="second">worker {from} said:</span> “{message}”
                    </span>
                  )}
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </Panel>
      <Command line="curl /workers" />
    </>
  );
}
