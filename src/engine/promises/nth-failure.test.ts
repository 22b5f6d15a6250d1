import { onStore } from './fixture.test.ts';
import { deaths, failures, whicheverCallFails } from './nth-failure.fixture.test.ts';

onStore('memory', 'promises 2, 5, 6, 8: whichever store call fails', ({ makeStore }) => {
  whicheverCallFails(makeStore, { kinds: [...failures, ...deaths], stride: 1 });
});

onStore('sqlite', 'promises 2, 5, 6, 8: whichever store call fails', ({ makeStore }) => {
  // A run on disk takes a fifth of a second, so fewer calls are made to fail here; the long tests cover more.
  whicheverCallFails(makeStore, { kinds: failures, stride: 35 });
});
