/** What a character of a chart's labels takes at most, on average. Units: CSS pixels. */
const CHARACTER_WIDTH = 7;
/** Scripts whose characters are as wide as they are high. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}]/u;

/** A label and the middle of the place where it would stand. Units: CSS pixels. */
export interface PlacedLabel {
  readonly text: string;
  readonly middle: number;
}

/** How much room a text of a chart takes, at least as much as any font. Units: CSS pixels. */
export function textWidth(text: string): number {
  return [...text].reduce((sum, letter) => sum + CHARACTER_WIDTH * (WIDE.test(letter) ? 2 : 1), 0);
}

/** A name for a place of so many characters: its middle is left out, because names often differ in their ends. */
export function labelText(name: string, max: number): string {
  const letters = [...name];
  if (letters.length <= max) return name;
  const tail = Math.floor((max - 1) / 3);
  return `${letters.slice(0, max - 1 - tail).join('')}…${letters.slice(letters.length - tail).join('')}`;
}

/** Whether labels, from left to right, stand beside each other with so much room between them. */
export function haveRoom(labels: readonly PlacedLabel[], gap: number): boolean {
  return labels.every(({ text, middle }, index) => {
    const before = labels[index - 1];
    if (before === undefined) return true;
    return middle - before.middle >= (textWidth(text) + textWidth(before.text)) / 2 + gap;
  });
}

/**
 * Which of some labels, from left to right, are shown so that none touches another.
 *
 * Guarantees: the last one is shown, and of the others the first of each crowd.
 */
export function labelsWithRoom(labels: readonly PlacedLabel[], gap: number): ReadonlySet<PlacedLabel> {
  const last = labels.at(-1);
  if (last === undefined) return new Set();
  const shown: PlacedLabel[] = [];
  for (const label of labels.slice(0, -1)) {
    const before = shown.at(-1);
    const fits = haveRoom(before === undefined ? [label] : [before, label], gap);
    if (fits && haveRoom([label, last], gap)) shown.push(label);
  }
  return new Set([...shown, last]);
}
