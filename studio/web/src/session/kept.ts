/** Bars whose take the musician keeps: nothing on this page writes them again or takes them back. */
import { signal } from "@preact/signals";
import type { Mark } from "../roll/selection";

const kept = signal<ReadonlySet<string>>(new Set());

const keyOf = ({ trackId, bar }: Mark): string => `${trackId}:${bar}`;

export const isKept = (mark: Mark): boolean => kept.value.has(keyOf(mark));

export function keep(mark: Mark, isOn: boolean): void {
  const next = new Set(kept.value);
  if (isOn) next.add(keyOf(mark));
  else next.delete(keyOf(mark));
  kept.value = next;
}

/** Another session, or another song. */
export function keepNothing(): void {
  kept.value = new Set();
}
