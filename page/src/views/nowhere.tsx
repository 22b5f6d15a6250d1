import { hrefOf } from '../lib/router.ts';
import { Head } from '../parts/panel.tsx';

/** The view for an unknown address. */
export function NowhereView() {
  return (
    <Head
      title="No such view"
      text={
        <>
          The address may belong to another version. Start from the <a href={hrefOf([])}>overview</a>.
        </>
      }
    />
  );
}
