import { onStore } from './fixture.test.ts';
import { deaths, failures, whicheverCallFails } from './nth-failure.fixture.test.ts';

onStore('memory in four slices', 'promises 2, 5, 6, 8: whichever call of the store fails', ({ makeStore }) => {
  whicheverCallFails(makeStore, { kinds: [...failures, ...deaths], stride: 1 });
});

onStore('sqlite', 'promises 2, 5, 6, 8: whichever call of the store fails, more of them', ({ makeStore }) => {
  whicheverCallFails(makeStore, { kinds: failures, stride: 7 });
});
