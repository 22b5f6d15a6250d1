import { hrefOf } from '../lib/router.ts';
import { Head } from '../parts/panel.tsx';

/** An address that leads nowhere. */
export function NowhereView() {
  return (
    <Head
      title="There is no such view"
      text={
        <>
          The address may be of another version. <a href={hrefOf([])}>The overview</a> leads everywhere.
        </>
      }
    />
  );
}
