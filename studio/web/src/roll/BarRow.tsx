import type { Session, Track } from "../session/state";
import { CELL_LABELS, cellState, explain, modelState } from "./cell";
import { isKept } from "../session/kept";
import { cursor, isMarked, mark } from "./selection";
import { hideHint, showHint } from "../ui/hint";
import { barWidth, isModelView, left, scrollTo, visibleBars } from "./view";

/** The bars of one track as cells to look at, to ask and to mark. */
export function BarRow({ session, track, now }: { session: Session; track: Track; now: number }) {
  const first = Math.floor(left.value);
  const count = Math.ceil(visibleBars()) + 1;
  const cells = [];
  for (let index = first; index < first + count; index++) {
    cells.push(<BarCell key={index} session={session} track={track} index={index} now={now} />);
  }
  return <div class="bars">{cells}</div>;
}

function BarCell(props: { session: Session; track: Track; index: number; now: number }) {
  const { session, track, index, now } = props;
  const state = isModelView.value
    ? modelState(session, track, index)
    : cellState(session, track, index, now);
  const at = cursor.value;
  const isCursor = at?.trackId === track.id && at.bar === index;
  const isFirst = !at && track === session.tracks[0] && index === Math.ceil(left.value);
  const selected = isMarked(track.id, index);
  const kept = isKept({ trackId: track.id, bar: index });
  const lines = () => explain(session, track, index, now);
  return (
    <button
      type="button"
      role="gridcell"
      class="bar"
      data-state={state}
      data-bar={index}
      data-track={track.id}
      aria-selected={selected}
      data-kept={kept}
      aria-label={`Bar ${index + 1}, ${CELL_LABELS[state]} ${state}${kept ? ", kept" : ""}${
        selected ? ", marked" : ""
      }`}
      tabIndex={isCursor || isFirst ? 0 : -1}
      style={{
        transform: `translateX(${(index - left.value) * barWidth.value}px)`,
        width: `${barWidth.value}px`,
      }}
      onClick={(event) => {
        const how = event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "add" : "only";
        mark({ trackId: track.id, bar: index }, how);
      }}
      onKeyDown={(event) => onCellKey(event, session, track, index)}
      onPointerEnter={(event) => showHint(event.currentTarget, lines())}
      onFocus={(event) => showHint(event.currentTarget, lines())}
      onPointerLeave={hideHint}
      onBlur={hideHint}
    >
      {CELL_LABELS[state]}
    </button>
  );
}

function onCellKey(event: KeyboardEvent, session: Session, track: Track, bar: number): void {
  const steps: Record<string, [tracks: number, bars: number]> = {
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const row = session.tracks.indexOf(track) + step[0];
  const target = {
    trackId: session.tracks[Math.min(Math.max(row, 0), session.tracks.length - 1)]!.id,
    bar: Math.max(0, bar + step[1]),
  };
  if (event.shiftKey) mark(target, "range");
  else cursor.value = target;
  if (target.bar < left.value) scrollTo(target.bar);
  else if (target.bar + 1 > left.value + visibleBars()) scrollTo(target.bar + 1 - visibleBars());
  // At once where the cell is on the page: the next key may come before the next frame.
  if (!focusCell(target)) requestAnimationFrame(() => focusCell(target));
}

function focusCell(target: { trackId: number; bar: number }): boolean {
  const cell = `.bar[data-track="${target.trackId}"][data-bar="${target.bar}"]`;
  const found = document.querySelector<HTMLElement>(cell);
  found?.focus();
  return found !== null;
}
