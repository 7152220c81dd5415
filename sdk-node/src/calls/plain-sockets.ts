// The sockets of a channel without TLS. They keep the process alive while somebody waits for something on them.
//
// gRPC lets a socket do so while any call is open on it. The stream of pushes is open for as long as its client, and must
// not: a program that has nothing left to do ends, whether or not it closed its client.
import { Socket } from "node:net";
import { ChannelCredentials, credentials } from "@grpc/grpc-js";

type CreateConnector = ChannelCredentials["_createSecureConnector"];

/** Credentials for one channel without TLS: where gRPC shows the sockets that it opens. */
export class PlainSockets extends ChannelCredentials {
  readonly #plain = credentials.createInsecure();
  readonly #sockets = new Set<Socket>();
  #waiting = 0;
  #destroyed = false;

  /** Somebody waits for something: the process stays alive until `letGo` was called as often. */
  hold(): void {
    this.#waiting += 1;
    if (this.#waiting === 1) {
      for (const socket of this.#sockets) {
        socket.ref();
      }
    }
  }

  letGo(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) {
      for (const socket of this.#sockets) {
        socket.unref();
      }
    }
  }

  /** True while somebody waits for something. */
  get held(): boolean {
    return this.#waiting > 0;
  }

  /** How many bytes have come on the sockets that are open; changes whenever something comes. */
  get bytesRead(): number {
    let sum = 0;
    for (const socket of this.#sockets) {
      sum += socket.bytesRead;
    }
    return sum;
  }

  /** Closes the sockets, and those that gRPC is still opening, without a word: there is nobody on the other side. */
  destroy(): void {
    this.#destroyed = true;
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  override _isSecure(): boolean {
    return false;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(...parameters: Parameters<CreateConnector>): ReturnType<CreateConnector> {
    const connector = this.#plain._createSecureConnector(...parameters);
    return {
      connect: async (socket) => {
        if (this.#destroyed) {
          socket.destroy();
          throw new Error("the connection is not wanted any more");
        }
        this.#keep(socket);
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // All is said: the other side may be gone, and would never end its own.
    socket.once("finish", () => socket.destroy());
    // gRPC calls this for the first call on a connection, whoever waits for it by then.
    socket.ref = () => (this.#waiting > 0 ? Socket.prototype.ref.call(socket) : socket);
  }
}
