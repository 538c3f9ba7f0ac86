/** Subtrees that a folder operation still holds. */
export class BlockedSubtrees {
  readonly #until = new Map<number, number>();

  hold(folderId: number, until: number): void {
    this.#until.set(folderId, until);
  }

  isHeld(folderId: number, now: number): boolean {
    const until = this.#until.get(folderId);
    if (until === undefined) return false;
    if (until > now) return true;
    this.#until.delete(folderId);
    return false;
  }
}
