/** Which notes of a track are in view: a sorted index, searched by halves. */
import type { Bar, Note } from "../session/state";

export interface PlacedNote extends Note {
  bar: number;
  /** In bars from the beginning of the session. */
  start: number;
  end: number;
}

export class NoteIndex {
  #notes: PlacedNote[] = [];
  #longest = 0;
  /** Pitches in use, from low to high. */
  readonly pitches: readonly number[];

  constructor(bars: ReadonlyMap<number, Bar>) {
    const pitches = new Set<number>();
    for (const [bar, { notes }] of bars) {
      for (const note of notes) {
        const start = bar + note.onset;
        const end = start + note.duration;
        this.#notes.push({ ...note, bar, start, end });
        this.#longest = Math.max(this.#longest, note.duration);
        pitches.add(note.pitch);
      }
    }
    this.#notes.sort((a, b) => a.start - b.start);
    this.pitches = [...pitches].sort((a, b) => a - b);
  }

  get size(): number {
    return this.#notes.length;
  }

  /** Notes that sound somewhere in [from, to) bars. */
  between(from: number, to: number): PlacedNote[] {
    const found: PlacedNote[] = [];
    for (let i = this.#firstFrom(from - this.#longest); i < this.#notes.length; i++) {
      const note = this.#notes[i]!;
      if (note.start >= to) break;
      if (note.end > from) found.push(note);
    }
    return found;
  }

  #firstFrom(start: number): number {
    let low = 0;
    let high = this.#notes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#notes[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
