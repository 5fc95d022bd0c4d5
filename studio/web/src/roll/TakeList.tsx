import { chooseTake, shown, view } from "../desk";
import { isKept, keep } from "../session/kept";
import { type Bar, type Track, trackOf } from "../session/state";
import { marks } from "./selection";

/** The takes of the one bar that is marked: choose one, keep it. */
export function TakeList() {
  const [mark, ...others] = marks.value;
  const track = mark && trackOf(shown.value, mark.trackId);
  const bar = track?.bars.get(mark!.bar);
  if (!mark || others.length > 0 || !track || !bar?.takes) return null;
  const isOver = view.value === "live" && isPast(track, bar, mark.bar);
  const title = isOver ? "This bar is over. Edit this take, under Files, to change it" : "";
  return (
    <div class="takes" role="group" aria-label={`Takes of bar ${mark.bar + 1}`}>
      <span>Take</span>
      {Array.from({ length: bar.takes }, (_, take) => (
        <button
          key={take}
          type="button"
          class="letter"
          aria-label={`Take ${take + 1} of ${bar.takes}`}
          aria-pressed={take === bar.take}
          disabled={isOver || isKept(mark)}
          title={title || `Play take ${take + 1}`}
          onClick={() => chooseTake(mark, take)}
        >
          {take + 1}
        </button>
      ))}
      <button
        type="button"
        class="letter wide"
        aria-pressed={isKept(mark)}
        disabled={isOver}
        title={title || "Keep this take: Re-roll and undo leave the bar alone (K)"}
        onClick={() => keep(mark, !isKept(mark))}
      >
        Keep
      </button>
    </div>
  );
}

function isPast(track: Track, bar: Bar, index: number): boolean {
  return !track.isAgent || bar.isOver || index < shown.value.playhead;
}

/** Keep the takes of the marked bars, or none of them if all are kept. */
export function toggleKept(): void {
  const areKept = marks.value.every(isKept);
  for (const mark of marks.value) keep(mark, !areKept);
}
