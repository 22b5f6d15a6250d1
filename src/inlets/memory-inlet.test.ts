import { inletContract } from './contract.ts';
import { MemoryTopic } from './memory-inlet.fixture.test.ts';

inletContract('a topic in memory', { partitions: 'many', create: async ({ partitions }) => new MemoryTopic(partitions) });
