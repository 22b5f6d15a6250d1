import { hrefOf } from '../lib/router.ts';
import { Head } from '../parts/panel.tsx';

/** The view for an unknown address. */
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
