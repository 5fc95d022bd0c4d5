/** The bars that are marked, by track: what to write again, copy or save. */
import { computed, signal } from "@preact/signals";

export interface Mark {
  trackId: number;
  bar: number;
}

export const marks = signal<readonly Mark[]>([]);
/** The cell that the keyboard is on. */
export const cursor = signal<Mark | null>(null);
export const marked = computed(
  () => new Set(marks.value.map(({ trackId, bar }) => `${trackId}:${bar}`)),
);
let anchor: Mark | null = null;

export const isMarked = (trackId: number, bar: number): boolean =>
  marked.value.has(`${trackId}:${bar}`);

/** Mark one bar, add to the marks, or mark up to it from the last one. */
export function mark(target: Mark, how: "only" | "add" | "range"): void {
  cursor.value = target;
  if (how === "range" && anchor?.trackId === target.trackId) {
    const [from, to] = [anchor.bar, target.bar].sort((a, b) => a - b) as [number, number];
    marks.value = Array.from({ length: to - from + 1 }, (_, i) => ({
      trackId: target.trackId,
      bar: from + i,
    }));
    return;
  }
  anchor = target;
  const wasMarked = isMarked(target.trackId, target.bar);
  if (how === "add") {
    const others = marks.value.filter(
      ({ trackId, bar }) => trackId !== target.trackId || bar !== target.bar,
    );
    marks.value = wasMarked ? others : [...others, target];
  } else marks.value = wasMarked && marks.value.length === 1 ? [] : [target];
}

export function unmarkAll(): void {
  marks.value = [];
  anchor = null;
}
