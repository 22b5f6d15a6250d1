import { onDisk } from './fixture.test.ts';
import { failures, whicheverCallFails } from './nth-failure.fixture.test.ts';

onDisk('promises 2, 5, 6, 8: whichever call of the store fails, more of them', ({ makeStore }) => {
  whicheverCallFails(makeStore, { kinds: failures, stride: 7 });
});
