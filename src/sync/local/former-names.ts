/** So many files are remembered. */
const FILES_MAX = 1_000;

/**
 * Under which name a file was first seen, of those seen lately.
 *
 * Tells a file that a program renamed while it works on it from one that was written aside and renamed into place.
 */
export class FormerNames {
  readonly #nameOf = new Map<string, string>();

  /** A file is seen under a name; true when it was seen under another before. */
  see(inode: string, name: string): boolean {
    const first = this.#nameOf.get(inode);
    if (first !== undefined) return first !== name;
    this.#nameOf.set(inode, name);
    if (this.#nameOf.size > FILES_MAX) {
      const [oldest] = this.#nameOf.keys();
      if (oldest !== undefined) this.#nameOf.delete(oldest);
    }
    return false;
  }
}
