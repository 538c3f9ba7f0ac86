/** The key of what is said about files that somebody holds open for writing. */
export const OPEN_FILES = 'open-files';

/** What limits a mount without stopping it, each by a key, as sentences for a person. */
export class Notices {
  readonly #texts = new Map<string, readonly string[]>();
  readonly #onChange: (key: string, texts: readonly string[]) => void;

  /** `onChange` is told of each notice that comes, changes or goes. */
  constructor(onChange: (key: string, texts: readonly string[]) => void = () => {}) {
    this.#onChange = onChange;
  }

  get all(): readonly string[] {
    return [...this.#texts.values()].flat();
  }

  /** Say something under a key, instead of what was said before; nothing: it is over. */
  set(key: string, texts: readonly string[]): void {
    const former = this.#texts.get(key) ?? [];
    if (former.length === texts.length && former.every((text, at) => text === texts[at])) return;
    if (texts.length === 0) this.#texts.delete(key);
    else this.#texts.set(key, texts);
    this.#onChange(key, texts);
  }
}
