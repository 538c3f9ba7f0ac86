/** How many different things are told and remembered. */
const TOLD_MAX = 100;

/**
 * Tells a person of each thing once.
 *
 * Guarantees: at most 100 lines and as much memory, whatever peers do again and again.
 */
export function createOnceTeller(tell: (message: string) => void): (message: string, about?: string) => void {
  const told = new Set<string>();
  return (message, about = message) => {
    if (told.has(about) || told.size >= TOLD_MAX) return;
    told.add(about);
    tell(message);
  };
}
