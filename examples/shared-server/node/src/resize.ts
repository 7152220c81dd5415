// The job as Node knows it: what comes in, what comes out, and the work itself.
import { readFile, rename, writeFile } from "node:fs/promises";
import { decode, encode } from "fast-png";
import { Pica } from "pica";
import { defineJob, NonRetryable } from "rockqueue";

export interface Resize {
  /** The PNG file to read. */
  source: string;
  /** The PNG file to write. */
  target: string;
  /** Of the new picture, in pixels; its height follows. */
  width: number;
}

export interface Size {
  width: number;
  height: number;
}

const RGBA = 4;
// Without a browser there is no canvas and no WebAssembly loader: plain JavaScript.
const resizer = new Pica({ features: ["js"] });

// shown in the README: [node]
export const resize = defineJob<Resize, Size>({ name: "resize", queue: "images" }).handle(async (job, ctx) => {
  const picture = read(await readFile(job.source));
  const size = { width: job.width, height: Math.round((job.width * picture.height) / picture.width) };
  const data = await resizer.resizeBuffer({
    src: picture.data,
    width: picture.width,
    height: picture.height,
    toWidth: size.width,
    toHeight: size.height,
  });
  // A job can run twice: whoever is first, a reader of the target never sees half a picture.
  const draft = `${job.target}.${ctx.attempt}`;
  await writeFile(draft, encode({ ...size, data, channels: RGBA }));
  await rename(draft, job.target);
  return size;
});
// shown in the README: [/node]

function read(file: Uint8Array): Size & { data: Uint8Array } {
  try {
    const { data, width, height, channels, depth } = decode(file);
    if (channels === RGBA && depth === 8) {
      return { data: data as Uint8Array, width, height };
    }
  } catch (error) {
    throw new NonRetryable("this is no PNG file", { cause: error });
  }
  throw new NonRetryable("only pictures with 8 bits of red, green, blue and alpha can be resized here");
}
