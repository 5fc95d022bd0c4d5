/** Names that this page has given to tracks; the protocol of MIDI-GPT has none. */
import { signal } from "@preact/signals";

const KEPT = "midigpt-studio names";

function kept(): Map<number, string> {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
  } catch {
    return new Map();
  }
}

export const partNames = signal<ReadonlyMap<number, string>>(kept());

export function nameParts(names: ReadonlyMap<number, string>): void {
  partNames.value = names;
  sessionStorage.setItem(KEPT, JSON.stringify([...names]));
}

export function nameTrack(id: number, name: string): void {
  nameParts(new Map([...partNames.value, [id, name.trim()]]));
}
