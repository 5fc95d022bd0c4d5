import { CELL_LABELS, type CellState } from "./cell";

const SHOWN: CellState[] = ["context", "hidden", "generating", "ready", "playing", "fallback", "late"];

const NAMES: Record<CellState, string> = {
  empty: "empty",
  played: "played",
  context: "context",
  hidden: "hidden",
  generating: "being written",
  ready: "comes next",
  written: "written",
  playing: "now",
  fallback: "fallback",
  late: "late",
};

/** What the colours of the bars mean. */
export function Legend() {
  return (
    <ul class="legend-row" aria-label="Legend of the bars">
      {SHOWN.map((state) => (
        <li key={state} title={NAMES[state]}>
          <span class="bar sample" data-state={state} aria-hidden="true">
            {CELL_LABELS[state]}
          </span>
          <span>{NAMES[state]}</span>
        </li>
      ))}
    </ul>
  );
}
