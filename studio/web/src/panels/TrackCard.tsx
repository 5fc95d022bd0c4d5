import { schema } from "../schema";
import type { Track } from "../session/state";
import { changeInstrument, removeTrack } from "../session/tracks";
import { client, mixer } from "../studio";
import { Button, Select, Slider, Switch } from "../ui/controls";
import { Attributes } from "./Attributes";
import { ParameterControl } from "./ParameterControl";

/** Everything about one track. */
export function TrackCard({ track }: { track: Track }) {
  const strip = mixer.strip(track.id);
  const fields = track.isAgent
    ? schema.value.agent.filter(({ name }) => name !== "instrument" && name !== "mute")
    : [];
  return (
    <div class="card-body">
      {!track.isDrum && (
        <Select
          label="Instrument"
          value={track.instrument}
          options={schema.value.instruments.map((name, program) => [program, name] as const)}
          onChange={(program) => changeInstrument(client, track, program)}
        />
      )}
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
      {!track.isAgent && (
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
          onClick={() => removeTrack(client, track)}
        />
      </div>
    </div>
  );
}

function panText(pan: number): string {
  if (pan === 64) return "centre";
  return pan < 64 ? `${64 - pan} left` : `${pan - 64} right`;
}
