/** The longest name that the common file systems take. Units: bytes. */
const NAME_MAX_BYTES = 255;

/** A name with an ending, as long as a disk takes: what is too much goes from the name, by whole characters. */
export function nameWithEnding(name: string, ending: string): string {
  const roomBytes = NAME_MAX_BYTES - Buffer.byteLength(ending);
  let fitting = '';
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > roomBytes) break;
    fitting += character;
  }
  return fitting + ending;
}
