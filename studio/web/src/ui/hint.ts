/** The one tooltip: what a bar or a control means, near it, for pointer and keyboard. */
import { signal } from "@preact/signals";

export interface Hint {
  lines: string[];
  x: number;
  y: number;
  isAbove: boolean;
}

export const hint = signal<Hint | null>(null);

export function showHint(element: Element, lines: string[]): void {
  const box = element.getBoundingClientRect();
  const isAbove = box.bottom > innerHeight - 160;
  const x = Math.min(Math.max(box.left + box.width / 2, 150), innerWidth - 150);
  hint.value = { lines, x, y: isAbove ? box.top : box.bottom, isAbove };
}

export function hideHint(): void {
  hint.value = null;
}
