import { PIANO_KEYS } from "../input/computer-keys";
import { keys, performer, player } from "../studio";
import { Button } from "../ui/controls";

const BLACK = new Set([1, 3, 6, 8, 10]);
const TOUCH_VELOCITY = 96;
/** Octaves that fingers can hit on a screen of this width. */
const octaves = innerWidth < 600 ? 2 : 3;

/** A keyboard to touch, with the letters of the computer keys on it. */
export function Piano() {
  const below = octaves > 2 ? 1 : 0;
  const first = Math.max(0, Math.min(keys.octave.value, 8) - below) * 12;
  const pitches = Array.from({ length: octaves * 12 + 1 }, (_, i) => first + i).filter(
    (pitch) => pitch <= 127,
  );
  const whites = pitches.filter((pitch) => !BLACK.has(pitch % 12));
  return (
    <div class="keyboard">
      <OctaveButton label="An octave down (Z)" icon="minus" step={-1} />
      <div class="piano" role="group" aria-label="Piano" onPointerDown={(e) => glide(e)}>
        {whites.map((pitch) => (
          <Key key={pitch} pitch={pitch} />
        ))}
        {pitches
          .filter((pitch) => BLACK.has(pitch % 12))
          .map((pitch) => (
            <Key
              key={pitch}
              pitch={pitch}
              at={whites.filter((white) => white < pitch).length / whites.length}
              breadth={0.62 / whites.length}
            />
          ))}
      </div>
      <OctaveButton label="An octave up (X)" icon="plus" step={1} />
    </div>
  );
}

function OctaveButton(props: { label: string; icon: "plus" | "minus"; step: number }) {
  const { label, icon, step } = props;
  const move = () => (keys.octave.value = Math.min(9, Math.max(0, keys.octave.value + step)));
  return <Button label={label} icon={icon} kind="quiet" onClick={move} />;
}

function Key(props: { pitch: number; at?: number; breadth?: number }) {
  const { pitch, at, breadth = 0 } = props;
  const isBlack = at !== undefined;
  const letter = keys.isOn.value ? PIANO_KEYS[pitch - keys.octave.value * 12]?.[1] : undefined;
  const place = isBlack
    ? { left: `${100 * (at - breadth / 2)}%`, width: `${100 * breadth}%` }
    : {};
  return (
    <div
      class={isBlack ? "key black" : "key"}
      data-pitch={pitch}
      data-down={performer.held.value.has(pitch)}
      style={place}
      aria-hidden="true"
    >
      {letter && <kbd>{letter}</kbd>}
      {pitch % 12 === 0 && <span>C{pitch / 12 - 1}</span>}
    </div>
  );
}

/** A finger plays the key under it, and the next one when it slides. */
function glide(event: PointerEvent & { currentTarget: HTMLElement }): void {
  const { pointerId, currentTarget: piano } = event;
  void player.open();
  piano.setPointerCapture(pointerId);
  let down = -1;
  const play = (at: PointerEvent) => {
    const key = document.elementFromPoint(at.clientX, at.clientY)?.closest<HTMLElement>(".key");
    const pitch = key ? Number(key.dataset["pitch"]) : -1;
    if (pitch === down) return;
    if (down >= 0) performer.release(down, at.timeStamp);
    if (pitch >= 0) performer.press(pitch, TOUCH_VELOCITY, at.timeStamp);
    down = pitch;
  };
  const move = (at: PointerEvent) => at.pointerId === pointerId && play(at);
  const lift = (at: PointerEvent) => {
    if (at.pointerId !== pointerId) return;
    if (down >= 0) performer.release(down, at.timeStamp);
    piano.removeEventListener("pointermove", move);
    piano.removeEventListener("pointerup", lift);
    piano.removeEventListener("pointercancel", lift);
  };
  play(event);
  piano.addEventListener("pointermove", move);
  piano.addEventListener("pointerup", lift);
  piano.addEventListener("pointercancel", lift);
}
