import type { Pin } from '../index/records.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { Filter } from '../plan/op.ts';

/**
 * What people asked for single paths, over and above what the mount's filter says.
 *
 * Guarantees: stored before it takes effect; the pin of a path itself, or of the nearest folder above it, counts; a
 * pin decides where content is kept, never whether an entry exists.
 */
export class Pins {
  readonly #index: VersionIndex;
  readonly #pins: Map<string, Pin>;

  constructor(index: VersionIndex) {
    this.#index = index;
    this.#pins = new Map(index.pins());
  }

  /** The pin that holds for a path. */
  of(names: readonly string[]): Pin | undefined {
    if (this.#pins.size === 0) return undefined;
    for (let depth = names.length; depth >= 0; depth -= 1) {
      const pin = this.#pins.get(names.slice(0, depth).join('/'));
      if (pin !== undefined) return pin;
    }
    return undefined;
  }

  /** Pin paths, and drop what was said before of anything below them. */
  set(paths: readonly string[], pin: Pin): void {
    const isBelow = (path: string) => paths.some((each) => each === '' || path.startsWith(`${each}/`));
    const dropped = [...this.#pins.keys()].filter(isBelow);
    this.#index.transaction(() => {
      for (const path of dropped) this.#index.setPin(path, null);
      for (const path of paths) this.#index.setPin(path, pin);
    });
    for (const path of dropped) this.#pins.delete(path);
    for (const path of paths) this.#pins.set(path, pin);
  }

  /** A filter with these pins, as they are whenever it is asked. */
  applied(filter: Filter): Filter {
    return (names, kind) => {
      const disposition = filter(names, kind);
      if (kind !== 'file' || disposition === 'ignore') return disposition;
      const pin = this.of(names);
      if (pin === undefined) return disposition;
      return pin === 'keep' ? 'mirror' : 'online-only';
    };
  }
}
