import { useEffect, useState } from 'preact/hooks';
import { durationText } from '../lib/format.ts';
import { live, toggleLive } from '../lib/live.ts';
import { useStore } from '../lib/store.ts';
import { Glyph } from './glyph.tsx';

/** After this long, a silent server is shown as not answering. */
const silentMs = 4_000;

/** Shows the server's clock, or how long it has been silent, and the switch of the feed. */
export function Clock() {
  const { at, heardAt, isOn, isConnected } = useStore(live);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const isSilent = isOn && !isConnected && now - heardAt > silentMs;
  return (
    <>
      <span class={`clock ${isSilent ? 'red' : ''}`}>
        {isSilent ? `no answer for ${durationText(now - heardAt)}` : `${new Date(at === 0 ? now : at).toISOString().slice(11, 19)} UTC`}
      </span>
      <button type="button" class="button" aria-pressed={isOn} aria-keyshortcuts="l" onClick={toggleLive}>
        <Glyph name={isOn ? 'flowing' : 'idle'} />
        Live
      </button>
    </>
  );
}
