/** The connection to the server: OSC messages over one WebSocket, in batches towards us. */
import { signal } from "@preact/signals";
import { io } from "socket.io-client";
import type { Osc, OscValue } from "./osc";

export type Connection = "connecting" | "open" | "lost" | "refused";

export class Wire {
  readonly connection = signal<Connection>("connecting");
  /** Why the server does not let us in. */
  readonly refusal = signal("");
  onOpen: () => void = () => {};
  onBatch: (messages: Osc[]) => void = () => {};
  /** Called with everything that is sent and received; for the log. */
  onTraffic: (messages: Osc[], isSent: boolean) => void = () => {};
  #socket = io({ transports: ["websocket"], autoConnect: false, reconnectionDelayMax: 2000 });

  /** How messages travel now. */
  get transport(): string {
    return this.#socket.io.engine.transport.name;
  }

  open(): void {
    this.#socket.on("connect", () => {
      this.connection.value = "open";
      this.onOpen();
    });
    this.#socket.on("disconnect", () => {
      this.connection.value = "lost";
    });
    this.#socket.on("connect_error", (error) => {
      const isRefusal = !this.#socket.active;
      this.connection.value = isRefusal ? "refused" : "lost";
      this.refusal.value = isRefusal ? error.message : "";
    });
    this.#socket.on("osc", (batch: Osc[]) => {
      this.onTraffic(batch, false);
      this.onBatch(batch);
    });
    this.#socket.connect();
  }

  send(address: string, ...values: OscValue[]): void {
    const message: Osc = [address, ...values];
    this.#socket.emit("osc", message);
    this.onTraffic([message], true);
  }
}
