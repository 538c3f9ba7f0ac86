import { refuse } from '../http/refusal.ts';
import type { Place } from '../store/items.ts';

/** Names that an upload under way will take: a second one that wants the same must wait or give up. */
export class Reservations {
  readonly #names = new Set<string>();
  readonly #parts = new Map<string, Promise<void>>();

  /** Errors: 409 `name_temporarily_reserved`. Returns how to give the name free again. */
  reserve(place: Place, key: string): () => void {
    const name = `${place.parentId}/${place.ownerId}/${key}`;
    if (this.#names.has(name))
      throw refuse(
        409,
        'name_temporarily_reserved',
        'The item name is reserved by another processing item. Wait and then retry the request, or wait and check the parent folder to see if the name is in use.',
      );
    this.#names.add(name);
    return () => {
      this.#names.delete(name);
    };
  }

  /** Reserve an upload session for its commit. Errors: what `taken` gives. */
  reserveCommit(sessionId: string, taken: () => Error): () => void {
    const name = `commit/${sessionId}`;
    if (this.#names.has(name)) throw taken();
    this.#names.add(name);
    return () => {
      this.#names.delete(name);
    };
  }

  /**
   * Hold one part of an upload session while its bytes come in, after whoever holds it now.
   *
   * Guarantees: of two that send one part at once, the second goes on only when it is known what became of the first.
   */
  async holdPart(sessionId: string, start: number): Promise<() => void> {
    const name = `${sessionId}/${start}`;
    for (let held = this.#parts.get(name); held !== undefined; held = this.#parts.get(name)) await held;
    let done: () => void = () => undefined;
    const holding = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#parts.set(name, holding);
    return () => {
      this.#parts.delete(name);
      done();
    };
  }
}
