import { leader } from "../studio";
import { Button } from "../ui/controls";
import { TapTempo } from "../clock/tap";

const tap = new TapTempo();

export const LOWEST_BPM = 40;
export const HIGHEST_BPM = 240;

export function tapTempo(moment: number): void {
  const bpm = tap.tap(moment);
  if (bpm) leader.setTempo(Math.min(HIGHEST_BPM, Math.max(LOWEST_BPM, Math.round(bpm))));
}

export function TempoField() {
  return (
    <div class="tempo">
      <label>
        <input
          type="number"
          inputMode="numeric"
          aria-label="Tempo in beats per minute"
          min={LOWEST_BPM}
          max={HIGHEST_BPM}
          value={leader.bpm.value}
          onChange={(event) => {
            const bpm = Number(event.currentTarget.value);
            if (bpm >= LOWEST_BPM && bpm <= HIGHEST_BPM) leader.setTempo(bpm);
            else event.currentTarget.value = String(leader.bpm.value);
          }}
        />
        <span aria-hidden="true">bpm</span>
      </label>
      <Button
        label="Tap"
        title="Tap the tempo (T when the piano keys are off)"
        kind="quiet"
        onClick={() => tapTempo(performance.now())}
      />
    </div>
  );
}
