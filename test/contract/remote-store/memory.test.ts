import { systemClock } from '../../../src/clock.ts';
import { MemoryStore } from '../../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT } from '../../../src/sync/remote/memory-world.ts';
import { describeRemoteStore } from './suite.ts';

describeRemoteStore('memory', async () => {
  const clock = systemClock();
  const store = new MemoryStore({ clock, user: { id: '1', name: 'one' } });
  const other = new MemoryStore({ clock, user: { id: '2', name: 'two' }, world: store.world });
  const folder = await store.createFolder(MEMORY_ROOT, 'Shared');
  return { store, other, folder, path: ['Shared'], close: () => store.close() };
});
