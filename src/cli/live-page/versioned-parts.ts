import type { PageParts } from '../../fl/report/live-page.ts';

/** A part as it goes to a reader. */
export interface FreshPart {
  readonly id: string;
  readonly html: string;
}

/** The parts of a page, each with the version in which it changed last, so that a reader gets what it lacks. */
export class VersionedParts {
  readonly #parts = new Map<string, { html: string; version: number }>();
  #version = 0;

  /** Grows with each change of any part; 0 before the first. */
  get version(): number {
    return this.#version;
  }

  /** Take the page's present parts; returns whether any of them differs. */
  take({ contents, parts }: PageParts): boolean {
    const next = this.#version + 1;
    for (const { id, body } of [contents, ...parts]) {
      if (this.#parts.get(id)?.html === body.markup) continue;
      this.#parts.set(id, { html: body.markup, version: next });
      this.#version = next;
    }
    return this.#version === next;
  }

  /** What changed after a version. */
  since(version: number): readonly FreshPart[] {
    return [...this.#parts]
      .filter(([, part]) => part.version > version)
      .map(([id, { html }]) => ({ id, html }));
  }
}
