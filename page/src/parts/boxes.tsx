import { openBox, setSingleKeys, shortcutList, singleKeys } from '../lib/shortcuts.ts';
import { useStore } from '../lib/store.ts';
import { Dialog } from './dialog.tsx';
import { Jump } from './jump.tsx';

/** The dialogs that keys open. */
export function Boxes() {
  const open = useStore(openBox);
  const close = () => openBox.set(undefined);
  if (open === 'jump') return <Jump onClose={close} />;
  if (open === 'help') return <Help onClose={close} />;
  return null;
}

function Help({ onClose }: { readonly onClose: () => void }) {
  const isOn = useStore(singleKeys);
  return (
    <Dialog label="Keyboard" onClose={onClose}>
      <div class="form">
        <h2>Keyboard</h2>
        <dl class="pairs">
          {shortcutList.map(([keys, does]) => (
            <>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{does}</dd>
            </>
          ))}
        </dl>
        <p>
          <input
            id="single-keys"
            type="checkbox"
            class="check"
            checked={isOn}
            onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          />{' '}
          <label for="single-keys">Enable single-key shortcuts</label>
        </p>
        <div class="acts">
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
    </Dialog>
  );
}
