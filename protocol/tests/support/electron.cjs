// What fixtures/hosts/electron and the README use of Electron, without Electron. A test is the user and the page.
//
// Like Electron, it clones what is sent, runs preload scripts where they can load nothing but "electron", and promises
// no order between messages and replies.

"use strict";

const { EventEmitter } = require("node:events");
const { readFileSync } = require("node:fs");
const { resolve } = require("node:path");

/** What `dialog.showOpenDialog` answers next: paths, none for a dialog that is cancelled. */
const chosen = [];
const windows = new Set();
/** Nobody prevented it. */
let quitting = false;

class IpcMain {
  #handlers = new Map();

  handle(channel, handler) {
    if (this.#handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.#handlers.set(channel, handler);
  }

  handlerOf(channel) {
    return this.#handlers.get(channel);
  }
}

/** For all pages; a page's own `ipc` comes first. */
const ipcMain = new IpcMain();

class WebContents extends EventEmitter {
  #destroyed = false;
  ipc = new IpcMain();
  /** What the preload script has of Electron. */
  ipcRenderer = Object.assign(new EventEmitter(), {
    invoke: async (channel, ...args) => {
      const handler = this.ipc.handlerOf(channel) ?? ipcMain.handlerOf(channel);
      if (handler === undefined) throw new Error(`Error invoking remote method '${channel}': No handler registered`);
      return structuredClone(await handler({ sender: this }, ...structuredClone(args)));
    },
  });

  send(channel, message) {
    if (this.#destroyed) throw new TypeError("Object has been destroyed");
    const copy = structuredClone(message);
    setImmediate(() => this.ipcRenderer.emit(channel, { sender: this.ipcRenderer }, copy));
  }

  setWindowOpenHandler(handler) {
    this.windowOpenHandler = handler;
  }

  isDestroyed() {
    return this.#destroyed;
  }

  destroy() {
    this.#destroyed = true;
  }
}

class BrowserWindow extends EventEmitter {
  webContents = new WebContents();
  /** The page's globals that the preload script made. */
  world = {};

  static getAllWindows() {
    return [...windows];
  }

  constructor(options) {
    super();
    this.options = options;
    windows.add(this);
  }

  async loadFile(file) {
    this.file = file;
    const electron = {
      ipcRenderer: this.webContents.ipcRenderer,
      contextBridge: { exposeInMainWorld: (name, api) => (this.world[name] = Object.freeze(api)) },
    };
    const load = (name) => {
      if (name !== "electron") throw new Error(`module not found: ${name}`);
      return electron;
    };
    const script = readFileSync(this.options.webPreferences.preload, "utf8");
    new Function("require", "module", "exports", script)(load, { exports: {} }, {});
  }

  close() {
    windows.delete(this);
    this.webContents.destroy();
    this.emit("closed");
    if (windows.size === 0 && !quitting) app.emit("window-all-closed");
  }
}

const app = Object.assign(new EventEmitter(), {
  whenReady: async () => {},
  getPath: (name) => resolve(name),
  quit() {
    let prevented = false;
    app.emit("before-quit", { preventDefault: () => (prevented = true) });
    if (prevented) return;
    quitting = true;
    for (const window of windows) window.close();
    app.emit("will-quit");
  },
});

const dialog = {
  showOpenDialog: async () => {
    const filePaths = chosen.splice(0, 1);
    return { canceled: filePaths.length === 0, filePaths };
  },
};

module.exports = { app, BrowserWindow, dialog, ipcMain, chosen };
