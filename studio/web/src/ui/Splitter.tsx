import { signal, type Signal } from "@preact/signals";

/** How wide a part of the page is, kept in this browser. */
export interface Width {
  /** Of the style sheet, which knows the width until somebody drags. */
  property: string;
  low: number;
  high: number;
  pixels: Signal<number>;
}

export function keptWidth(property: string, usual: number, low: number, high: number): Width {
  const kept = Number(localStorage.getItem(`midigpt-studio ${property}`));
  const width = { property, low, high, pixels: signal(kept || usual) };
  if (kept) setWidth(width, kept);
  return width;
}

function setWidth(width: Width, pixels: number): void {
  const { property, low, high } = width;
  width.pixels.value = Math.round(Math.min(high, Math.max(low, pixels)));
  document.documentElement.style.setProperty(property, `${width.pixels.value}px`);
  localStorage.setItem(`midigpt-studio ${property}`, String(width.pixels.value));
}

const STEP = 16;

/** A line to drag, or to move with the arrow keys. `grows` is where its part lies: right of it, 1. */
export function Splitter({ label, width, grows }: { label: string; width: Width; grows: 1 | -1 }) {
  return (
    <div
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width.pixels.value}
      aria-valuemin={width.low}
      aria-valuemax={width.high}
      tabIndex={0}
      title={label}
      onKeyDown={(event) => {
        const step = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        setWidth(width, width.pixels.value + step * grows);
      }}
      onPointerDown={(event) => {
        const [start, before] = [event.clientX, width.pixels.value];
        const element = event.currentTarget;
        element.setPointerCapture(event.pointerId);
        element.onpointermove = (move) => setWidth(width, before - (move.clientX - start) * grows);
        element.onpointerup = element.onpointercancel = () => (element.onpointermove = null);
      }}
    />
  );
}
