/** Back to the beginning of the line, and empty it: what takes a passing line back. */
const CLEAR_LINE = '\r\u001B[2K';

/** What a person has before them: every line that stayed, and the last one as it is now. */
export class TerminalScreen {
  #text = '';

  /** Take what a program writes. */
  write(text: string): void {
    const [first = '', ...rest] = text.split(CLEAR_LINE);
    this.#text += first;
    for (const piece of rest) this.#text = this.#text.slice(0, this.#text.lastIndexOf('\n') + 1) + piece;
  }

  get text(): string {
    return this.#text.endsWith('\n') ? this.#text : `${this.#text}\n`;
  }
}
