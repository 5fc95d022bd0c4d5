/** Colours of tracks, and what the canvases take from the style sheet. */
import { signal } from "@preact/signals";

export const TRACK_COLOURS = 8;
export const trackColour = (position: number): string => `var(--track-${position % TRACK_COLOURS})`;

export type Theme = "dark" | "light";
const KEPT_THEME = "midigpt-studio theme";

function firstTheme(): Theme {
  const kept = localStorage.getItem(KEPT_THEME);
  if (kept === "dark" || kept === "light") return kept;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

export const theme = signal<Theme>(firstTheme());

export function setTheme(next: Theme): void {
  theme.value = next;
  localStorage.setItem(KEPT_THEME, next);
  document.documentElement.dataset["theme"] = next;
}

/** A custom property of the style sheet, as a colour that a canvas takes. */
export function cssColour(name: string): string {
  void theme.value;
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
