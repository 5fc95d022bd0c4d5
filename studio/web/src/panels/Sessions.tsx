import { useEffect } from "preact/hooks";
import { client, leader } from "../studio";
import { Button, Section } from "../ui/controls";

const REFRESH_MS = 2000;

/** Sessions of the server, such as the one that a DAW plays: watch or take over. */
export function Sessions() {
  useEffect(() => {
    client.list();
    const timer = setInterval(() => client.list(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const { id } = client.session.value;
  const listed = client.sessions.value.filter((session) => session.state !== "UNINITIALIZED");
  return (
    <Section title="Live sessions">
      {listed.length === 0 && (
        <p class="note">
          None yet. A session that Ableton, Max or SuperCollider begins on this server appears here.
        </p>
      )}
      {listed.map((session) => {
        const isShown = session.id === id;
        return (
          <div class="card session" key={session.id} data-on={isShown}>
            <div class="session-title">
              <b>{session.name || session.id}</b>
              <span class="badge">{session.state.toLowerCase()}</span>
            </div>
            <p class="note">
              bar {session.playhead + 1} · {session.players} playing · {session.watchers} watching
              {session.idle_seconds > 5 && ` · quiet for ${Math.round(session.idle_seconds)} s`}
            </p>
            <div class="row">
              <Button
                label={isShown ? "Shown" : "Watch"}
                disabled={isShown}
                onClick={() => {
                  leader.stop();
                  client.isPlayer.value = false;
                  void client.watch(session.id);
                }}
              />
              <Button
                label="Take over"
                title="Play in this session from here: this page's clock leads from now on"
                disabled={isShown && client.isPlayer.value}
                onClick={() => void client.attach(session.id)}
              />
            </div>
          </div>
        );
      })}
    </Section>
  );
}
