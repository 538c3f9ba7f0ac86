import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** From so many entries on, the trees are most of the heap, and what a start leaves is worth a pause. */
const LARGE_ENTRIES = 20_000;
/** How much more than what lives a small heap may hold before it is collected. Units: percent; V8's own choice: 0. */
const SMALL_HEAP_ROOM = 100;

/**
 * Fit V8's heap to the size of the trees.
 *
 * A small heap gets room: V8 collects it whole whenever ten megabytes of buffers passed by, so that one checkpoint up
 * or down cost 100 ms, in every mount of a machine at once. A large one has none to give away, and gives back what its
 * start left: reading and comparing the trees leaves about as much garbage as they take themselves, and V8 would keep it
 * as long as little else happens, which for a mount at rest is days. Takes about 100 ms with 100,000 entries.
 */
export function fitHeap(entries: number): void {
  const isLarge = entries >= LARGE_ENTRIES;
  setFlagsFromString(`--heap-growing-percent=${isLarge ? 0 : SMALL_HEAP_ROOM}`);
  if (!isLarge) return;
  // The only way to V8's collector from within: a context that is made while it is exposed.
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect();
}
