import { instrumentsOf, schema } from "../schema";
import type { Track } from "../session/state";
import { openLoop, removeShown, renameTrack, setInstrument, view } from "../desk";
import { trackName } from "../session/track-name";
import { client, jam, leader, mixer, performer } from "../studio";
import { Button, Select, Slider, Switch } from "../ui/controls";
import { Attributes } from "./Attributes";
import { ParameterControl } from "./ParameterControl";

/** Those with a place of their own are left out, and those that the agent's model has not. */
function isOffered(name: string, { parameters }: Track): boolean {
  if (name === "model") return client.session.value.models.length > 1;
  if (name === "density") return parameters["model"] === "llama";
  return !["instrument", "mute", "prompt_text"].includes(name);
}

/** Everything about one track. */
export function TrackCard({ track }: { track: Track }) {
  const strip = mixer.strip(track.id);
  const fields = track.isAgent
    ? schema.value.agent.filter(({ name }) => isOffered(name, track))
    : [];
  return (
    <div class="card-body">
      <Select
        label={track.isDrum ? "Kit" : "Instrument"}
        value={track.instrument}
        options={instrumentsOf(track.instrument, track.isDrum)}
        onChange={(program) => setInstrument(track, program)}
      />
      <label class="select">
        <span>Name</span>
        <input
          type="text"
          maxLength={40}
          value={trackName(track)}
          onChange={(event) => renameTrack(track, event.currentTarget.value)}
        />
      </label>
      {!track.isAgent && view.value === "live" && <Mode track={track} />}
      <Slider
        label="Volume"
        value={strip.volume}
        low={0}
        high={127}
        onInput={(volume) => mixer.set(track.id, { volume })}
      />
      <Slider
        label="Pan"
        value={strip.pan}
        low={0}
        high={127}
        text={panText(strip.pan)}
        onInput={(pan) => mixer.set(track.id, { pan })}
      />
      {!track.isAgent && view.value === "live" && (
        <Switch
          label="The band hears it"
          isOn={!track.isIgnored}
          onChange={(isHeard) =>
            client.send("/midigpt/track/set_ignore", track.id, isHeard ? 0 : 1)
          }
        />
      )}
      {track.isAgent && (
        <Switch
          label="Rests"
          hint="The agent is given nothing to play"
          isOn={track.isMuted}
          onChange={(rests) =>
            client.send("/midigpt/track/param/set", track.id, "mute", rests ? 1 : 0)
          }
        />
      )}
      {track.isAgent && <Attributes track={track} />}
      {fields.map((field) => (
        <ParameterControl
          key={field.name}
          field={field}
          value={track.parameters[field.name] ?? field.default}
          onChange={(value) =>
            client.send("/midigpt/track/param/set", track.id, field.name, value)
          }
        />
      ))}
      <div class="row">
        <Button
          label="Remove track"
          kind="quiet"
          onClick={() => removeShown(track)}
        />
      </div>
    </div>
  );
}

/** Whether a track of the musician is played or repeats. */
function Mode({ track }: { track: Track }) {
  const isLoop = leader.loops.value.some((loop) => loop.trackId === track.id);
  return (
    <>
      <Select
        label="Mode"
        value={isLoop ? "loop" : "live"}
        options={[
          ["live", "live: you play it"] as const,
          ["loop", "loop: its last 4 bars repeat"] as const,
        ]}
        onChange={(mode) => {
          const { playhead } = client.session.value;
          const last = [4, 3, 2, 1].map((ago) => track.bars.get(playhead - ago)?.notes ?? []);
          jam.setLoop(track.id, mode === "loop" ? last : []);
          if (mode === "live") performer.trackId.value = track.id;
        }}
      />
      <label class="button plain">
        <input
          type="file"
          class="hidden-file"
          accept=".mid,.midi"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) void openLoop(file, track);
          }}
        />
        <span>Repeat a MIDI file</span>
      </label>
    </>
  );
}

function panText(pan: number): string {
  if (pan === 64) return "centre";
  return pan < 64 ? `${64 - pan} left` : `${pan - 64} right`;
}
