import { contractIn } from './contract-in.fixture.test.ts';

contractIn(1);
