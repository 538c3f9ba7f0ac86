import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { RecordedStore } from '../../../src/sync/recording/recorded-store.ts';
import { MemoryStore } from '../../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT } from '../../../src/sync/remote/memory-world.ts';
import { openTestRecorder } from '../../support/recordings.ts';
import { describeRemoteStore } from './suite.ts';

describeRemoteStore('recorded', async () => {
  const clock = systemClock();
  const directory = await mkdtemp(join(tmpdir(), 'recorded-store-'));
  const recorder = await openTestRecorder(join(directory, 'session.jsonl.gz'));
  const memory = new MemoryStore({ clock, user: { id: '1', name: 'one' } });
  const other = new MemoryStore({ clock, user: { id: '2', name: 'two' }, world: memory.world });
  const store = new RecordedStore(memory, recorder, clock);
  const folder = await store.createFolder(MEMORY_ROOT, 'Shared');
  const close = async () => {
    await store.close();
    await recorder.close();
    await rm(directory, { recursive: true });
  };
  return { store, other, folder, path: ['Shared'], close };
});
