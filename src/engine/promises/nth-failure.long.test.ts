import { onStore } from './fixture.test.ts';
import { deaths, failures, whicheverCallFails } from './nth-failure.fixture.test.ts';

onStore('memory in four slices', 'promises 2, 5, 6, 8: whichever store call fails', ({ makeStore }) => {
  whicheverCallFails(makeStore, { kinds: [...failures, ...deaths], stride: 1 });
});

onStore('sqlite', 'promises 2, 5, 6, 8: whichever store call fails, more of them', ({ makeStore }) => {
  whicheverCallFails(makeStore, { kinds: failures, stride: 7 });
});
