// A network between a client and a server, on loopback, whose connections can go dead without being closed.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Passes bytes to the port of a server. */
export class Network {
  /** How many connections clients have opened. */
  accepted = 0;
  readonly #port: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();

  private constructor(port: number) {
    this.#port = port;
    // A dead connection is not closed from here, even when its client closes it.
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static async to(port: number): Promise<Network> {
    const network = new Network(port);
    network.#server.listen(0, "127.0.0.1");
    await once(network.#server, "listening");
    return network;
  }

  get url(): string {
    return `rockqueue://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections clients hold: have opened, and not given back to their system. */
  held(): number {
    return [...this.#links].filter((link) => link.held()).length;
  }

  /** From now on every connection there is swallows what it is given, both ways. New ones are sound. */
  swallow(): void {
    for (const link of this.#links) {
      link.dead = true;
    }
  }

  /** Cuts everything. */
  async close(): Promise<void> {
    for (const link of this.#links) {
      link.cut();
    }
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    this.#links.add(new Link(client, connect({ port: this.#port, host: "127.0.0.1", allowHalfOpen: true })));
  }
}

/** One connection through the network. */
class Link {
  dead = false;
  #over = false;
  #ended = false;
  readonly #client: Socket;
  readonly #server: Socket;

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    this.#pass(client, server);
    this.#pass(server, client);
    client.on("end", () => {
      this.#ended = true;
    });
    client.on("close", () => {
      this.#over = true;
    });
  }

  held(): boolean {
    if (this.dead && this.#ended && !this.#over) {
      // A client that only said its last word still takes bytes; one that let go of its socket resets the connection.
      this.#client.write("?");
    }
    return !this.#over;
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #pass(from: Socket, to: Socket): void {
    from.setNoDelay();
    from.on("data", (bytes) => this.#unlessDead(() => to.write(bytes)));
    from.on("end", () => this.#unlessDead(() => to.end()));
    from.on("error", () => this.#unlessDead(() => to.destroy()));
  }

  #unlessDead(passOn: () => void): void {
    if (!this.dead) {
      passOn();
    }
  }
}
