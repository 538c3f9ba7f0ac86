import { refuse } from '../http/refusal.ts';
import type { Place } from '../store/items.ts';

/** Names that an upload under way will take: a second one that wants the same must wait or give up. */
export class Reservations {
  readonly #names = new Set<string>();

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

  /** Reserve one part of an upload session while its bytes come in. Errors: what `taken` gives. */
  reserveRange(sessionId: string, start: number, taken: () => Error): () => void {
    const name = `part/${sessionId}/${start}`;
    if (this.#names.has(name)) throw taken();
    this.#names.add(name);
    return () => {
      this.#names.delete(name);
    };
  }
}
