import { togglePlay } from "../desk";
import { wire } from "../studio";
import { Icon } from "../ui/icons";
import { GroovePicker } from "./Band";

/** What a newcomer sees first. */
export function Welcome() {
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <h1 id="welcome-title">A band that listens to you</h1>
      <p>
        Press <b>Play</b>. After the count-in the band comes in; you play on{" "}
        <kbd>A</kbd> <kbd>S</kbd> <kbd>D</kbd> <kbd>F</kbd> …, a MIDI keyboard, or the keys below. Every
        bar you play is answered, here on this machine.
      </p>
      <GroovePicker />
      <button
        type="button"
        class="play large"
        disabled={wire.connection.value !== "open"}
        onClick={() => void togglePlay()}
      >
        <Icon name="play" />
        <span>Play</span>
      </button>
    </section>
  );
}
