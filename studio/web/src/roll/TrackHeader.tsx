import { instrumentName } from "../schema";
import { trackName } from "../session/track-name";
import type { Track } from "../session/state";
import { leader, mixer, performer } from "../studio";
import { openAgent } from "../panels/tabs";
import { Slider } from "../ui/controls";

/** Name, kind and place in the mix of one track. */
export function TrackHeader({ track }: { track: Track }) {
  const strip = mixer.strip(track.id);
  const isYours = performer.trackId.value === track.id;
  const name = trackName(track);
  return (
    <div class="track-header" data-yours={isYours} role="rowheader">
      <div class="track-title">
        <i class="track-colour" aria-hidden="true" />
        <b title={name}>{name}</b>
        <TrackKind track={track} />
      </div>
      <div class="track-instrument" title={instrumentName(track.instrument, track.isDrum)}>
        {instrumentName(track.instrument, track.isDrum)}
      </div>
      <div class="track-mix">
        <button
          type="button"
          class="letter"
          aria-label={`Mute ${name}`}
          aria-pressed={strip.isMuted}
          title="Mute"
          onClick={() => mixer.set(track.id, { isMuted: !strip.isMuted })}
        >
          M
        </button>
        <button
          type="button"
          class="letter solo"
          aria-label={`Solo ${name}`}
          aria-pressed={strip.isSolo}
          title="Solo"
          onClick={() => mixer.set(track.id, { isSolo: !strip.isSolo })}
        >
          S
        </button>
        {isYours && (
          <button
            type="button"
            class="letter record"
            aria-label="Record: the band hears you"
            aria-pressed={performer.isArmed.value}
            title="Record: the band hears you (R)"
            onClick={() => (performer.isArmed.value = !performer.isArmed.value)}
          >
            R
          </button>
        )}
        <Slider
          label={`Volume of ${name}`}
          hidesLabel
          value={strip.volume}
          low={0}
          high={127}
          onInput={(volume) => mixer.set(track.id, { volume })}
        />
      </div>
    </div>
  );
}

function TrackKind({ track }: { track: Track }) {
  if (track.isAgent) {
    return (
      <button
        type="button"
        class="badge agent"
        title="Settings of this agent"
        onClick={() => openAgent(track.id)}
      >
        agent
      </button>
    );
  }
  const isLoop = leader.loops.value.some((loop) => loop.trackId === track.id);
  if (isLoop) return <span class="badge">loop</span>;
  return performer.trackId.value === track.id ? <span class="badge you">live</span> : null;
}
