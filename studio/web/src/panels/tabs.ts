/** Which panel is open, and which agent it is about. */
import { signal } from "@preact/signals";

export type Tab = "band" | "model" | "files" | "sessions" | "timing" | "log";

export const TABS: readonly [tab: Tab, name: string][] = [
  ["band", "Band"],
  ["model", "Model"],
  ["files", "Files"],
  ["sessions", "Sessions"],
  ["timing", "Timing"],
  ["log", "Log"],
];

export const tab = signal<Tab>("band");
export const openTrack = signal(-1);
/** On a phone the panel is a sheet that comes up. */
export const isSheetOpen = signal(false);

export function openTab(next: Tab): void {
  tab.value = next;
  isSheetOpen.value = true;
}

export function openAgent(trackId: number): void {
  openTrack.value = trackId;
  openTab("band");
}
