/** Opening pictures: sending one, showing it at once, waiting for its masks, and going from one to the next. */

import { RefusedError } from "./api.js";
import { MaskIndex } from "./masks/mask_index.js";
import { IndexBuilder } from "./masks/index_builder.js";
import { noImage } from "./state.js";

/** @typedef {import("./types.js").ImageInfo} ImageInfo */
/** @typedef {import("./types.js").Mask} Mask */

const PAGE = 200; // pictures that are listed

export class Session {
  /**
   * @param {import("./state.js").Store} store @param {import("./api.js").Api} api
   * @param {import("./sync.js").Sync} sync
   */
  constructor(store, api, sync) {
    this.store = store;
    this.api = api;
    this.sync = sync;
    this.builder = new IndexBuilder();
    /** The decoded picture; its pixels are those of the masks. @type {ImageBitmap|null} */
    this.picture = null;
    /** @type {((picture: ImageBitmap|null) => void)[]} */
    this.onPicture = [];
    /** The picture as it was sent or fetched. @type {File|null} */
    this.file = null;
    /** Called when the masks can be clicked. @type {(() => void)[]} */
    this.onReady = [];
    /** @type {EventSource|null} */
    this.events = null;
    this.opening = new AbortController();
    /** The opening whose masks are being read. @type {AbortSignal|null} */
    this.reading = null;
    /** The things of the picture are read. @type {Promise<void>} */
    this.loading = Promise.resolve();
    store.watch((state) => state.connection, (connection) => {
      if (connection === "online") this.reconnect();
    });
  }

  /** @returns {Promise<void>} read which pictures there are */
  async list() {
    const { images } = await this.api.json("GET", `/v1/images?limit=${PAGE}`, { patient: true });
    this.store.set({ images });
  }

  /** @param {File[]} files send them all, and open the first */
  async openFiles(files) {
    const pictures = files.filter((file) => !file.type || file.type.startsWith("image/"));
    if (!pictures.length) {
      this.fail(files.length ? `${files[0].name} is no picture.` : "There was no picture in that.");
      return;
    }
    await this.openFile(pictures[0]);
    for (const file of pictures.slice(1)) {
      try {
        await this.send(file, new AbortController().signal);
      } catch (error) {
        this.fail(`${file.name}: ${message(error)}`);
      }
    }
    await this.list();
  }

  /** @param {File} file */
  async openFile(file) {
    const signal = this.begin({ id: "", name: file.name, width: 0, height: 0, state: "waiting", error: null, created: "", revision: 0 }, "sending");
    this.file = file;
    const preview = createImageBitmap(file).then(
      (picture) => this.showPicture(picture, signal),
      () => false, // a format that this browser cannot show: the server will
    );
    try {
      const image = await this.send(file, signal);
      await this.follow(image, signal, preview);
    } catch (error) {
      if (signal.aborted) return;
      this.failed(message(error));
    }
  }

  /** The example photograph. */
  async openSample() {
    try {
      await this.openFile(new File([await this.api.blob("sample.jpg")], "example.jpg", { type: "image/jpeg" }));
    } catch (error) {
      this.fail(message(error));
    }
  }

  /** @param {ImageInfo} image one of the server's */
  async openImage(image) {
    if (image.id === this.store.state.image?.id) return;
    const signal = this.begin(image, image.state === "ready" ? "working" : "waiting");
    try {
      await this.follow(image, signal, null);
    } catch (error) {
      if (!signal.aborted) this.failed(message(error));
    }
  }

  /** @param {1|-1} step to the next picture in the list, or the one before */
  async openBeside(step) {
    const { images, image } = this.store.state;
    const at = images.findIndex((each) => each.id === image?.id);
    const next = images[at + step];
    if (next && at >= 0) await this.openImage(next);
    else if (at < 0 && images.length) await this.openImage(images[0]);
    else this.store.set({ notice: { text: step > 0 ? "This is the last picture." : "This is the first picture.", kind: "info", id: Date.now() } });
  }

  /** Delete the open picture and its objects. */
  async remove() {
    const { image, images } = this.store.state;
    if (!image?.id) return;
    await this.api.json("DELETE", `/v1/images/${image.id}`);
    const left = images.filter((each) => each.id !== image.id);
    this.store.set({ images: left });
    this.sync.ledgers.delete(image.id);
    if (left.length) await this.openImage(left[0]);
    else this.close();
  }

  /** Back to the empty editor. */
  close() {
    this.opening.abort();
    this.events?.close();
    this.showPicture(null, new AbortController().signal);
    this.store.set(noImage());
  }

  /** @param {File} file @param {AbortSignal} signal @returns {Promise<ImageInfo>} */
  send(file, signal) {
    const form = new FormData();
    form.append("file", file, file.name || "pasted.png");
    return this.api.json("POST", "/v1/images?wait=false", { form, signal, patient: true });
  }

  /**
   * @param {ImageInfo} image @param {import("./state.js").Progress["stage"]} stage
   * @returns {AbortSignal} aborted when another picture is opened
   */
  begin(image, stage) {
    this.opening.abort();
    this.opening = new AbortController();
    this.events?.close();
    this.showPicture(null, this.opening.signal);
    this.store.set({ ...noImage(), image, progress: { stage, ahead: 0, done: 0, total: 0, error: null } });
    return this.opening.signal;
  }

  /**
   * From the answer to a picture sent until its masks are there.
   * @param {ImageInfo} image @param {AbortSignal} signal @param {Promise<boolean>|null} preview
   */
  async follow(image, signal, preview) {
    this.store.set({ image, images: [image, ...this.store.state.images.filter((each) => each.id !== image.id)].sort(newestFirst) });
    history.replaceState(null, "", `#${image.id}`);
    this.loading = this.sync.open(image.id).then((things) => {
      if (!signal.aborted) this.store.set({ things, thingsOf: image.id, conflicts: this.sync.ledgers.get(image.id)?.conflicts ?? [] });
    });
    this.watchEvents(image.id, signal);
    await Promise.all([
      this.loading,
      (preview ?? Promise.resolve(false)).then((shown) => (shown ? undefined : this.fetchPicture(image.id, signal))),
    ]);
    if (signal.aborted) return;
    if (image.state === "ready") await this.readMasks(image.id, signal);
  }

  /** @param {string} id @param {AbortSignal} signal */
  async fetchPicture(id, signal) {
    const blob = await this.api.blob(`/v1/images/${id}/picture`, { signal, patient: true });
    const picture = await createImageBitmap(blob);
    if (!signal.aborted) this.file = new File([blob], this.store.state.image?.name ?? "picture", { type: blob.type });
    this.showPicture(picture, signal);
  }

  /** @param {ImageBitmap|null} picture @param {AbortSignal} signal @returns {boolean} */
  showPicture(picture, signal) {
    if (signal.aborted) return true;
    this.picture = picture;
    const { image } = this.store.state;
    if (picture && image && !image.width) this.store.set({ image: { ...image, width: picture.width, height: picture.height } });
    this.onPicture.forEach((run) => run(picture));
    return true;
  }

  /** @param {string} id @param {AbortSignal} signal */
  watchEvents(id, signal) {
    this.events?.close();
    const events = new EventSource(`/v1/images/${id}/events`);
    this.events = events;
    events.addEventListener("progress", (event) => {
      if (signal.aborted) return;
      const { state, ahead, done, total, error } = JSON.parse(event.data);
      if (state === "ready") {
        if (!this.store.state.index && this.store.state.progress?.stage !== "ready") this.readMasks(id, signal).catch((caught) => !signal.aborted && this.failed(message(caught)));
      } else if (state === "failed") this.failed(error);
      else this.store.set({ progress: { stage: state, ahead, done, total, error } });
    });
    events.addEventListener("changed", () => !signal.aborted && this.sync.changed(id));
    events.addEventListener("deleted", () => {
      if (signal.aborted) return;
      this.store.set({ images: this.store.state.images.filter((each) => each.id !== id) });
      this.failed("This picture was deleted, here or in another window.");
    });
    events.addEventListener("error", () => {
      events.close();
      if (!signal.aborted) this.api.check();
    });
  }

  /** The server is back: hear of what happens again, and of what happened meanwhile. */
  async reconnect() {
    const { image, progress } = this.store.state;
    const { signal } = this.opening;
    if (!image?.id || progress?.stage === "failed") return;
    try {
      await this.api.json("GET", `/v1/images/${image.id}?masks=false`, { signal });
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) await this.sendAgain();
      return;
    }
    if (signal.aborted) return;
    this.watchEvents(image.id, signal);
    this.sync.changed(image.id);
  }

  /** A server that keeps nothing came back without the picture: send it again, and what was selected in it. */
  async sendAgain() {
    const { image, things, images } = this.store.state;
    const { file } = this;
    if (!image || !file) return;
    this.sync.ledgers.delete(image.id);
    this.store.set({ images: images.filter((each) => each.id !== image.id) });
    await this.openFile(file);
    if (this.file === file && this.store.state.thingsOf) this.store.set({ things });
  }

  /** @param {string} id @param {AbortSignal} signal */
  async readMasks(id, signal) {
    if (this.reading === signal) return; // progress may say ready more than once
    this.reading = signal;
    await this.loading; // so that clicks that wait find the things that are there
    const whole = await this.api.json("GET", `/v1/images/${id}`, { signal, patient: true });
    if (signal.aborted) return;
    const { masks, ...image } = whole;
    const images = this.store.state.images.map((each) => (each.id === id ? image : each));
    this.store.set({ image, images });
    await this.useMasks(masks, signal);
    if (signal.aborted) return;
    this.store.set({ progress: { stage: "ready", ahead: 0, done: 0, total: 0, error: null } });
    this.onReady.forEach((run) => run());
  }

  /** @param {Mask[]} masks @param {AbortSignal} [signal] have them hovered from now on */
  async useMasks(masks, signal = this.opening.signal) {
    const { image, sure } = this.store.state;
    if (!image) return;
    const shown = masks.map((mask) => mask.score >= sure);
    const map = await this.builder.build(masks, image.width, image.height, shown);
    if (!map || signal.aborted) return;
    this.store.set({ index: new MaskIndex(masks, image.width, image.height, map, shown), hover: null });
  }

  /** @param {string|null} why */
  failed(why) {
    const { progress } = this.store.state;
    this.store.set({ progress: { stage: "failed", ahead: 0, done: 0, total: 0, error: why ?? "It could not be read." }, waitingClicks: [] });
    if (progress?.stage !== "failed") this.events?.close();
  }

  /** @param {string} text */
  fail(text) {
    this.store.set({ notice: { text, kind: "error", id: Date.now() } });
  }
}

/** @param {ImageInfo} one @param {ImageInfo} other */
function newestFirst(one, other) {
  return other.created.localeCompare(one.created);
}

/** @param {unknown} error */
export function message(error) {
  if (error instanceof RefusedError && error.status === 413) return `The picture is too large for this server: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
