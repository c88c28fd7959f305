// The mask editor: gestures and keys become edits of the sheet, and every edit goes to Python. The masks themselves are
// `raster.ts` and `regions.ts`, and never see a screen pixel.
import { decode } from "./codec"
import { corners, typedBox } from "./gestures"
import { type Fields, Grower } from "./grower"
import { Outbox, type Stored } from "./outbox"
import type { Point, Rect } from "./raster"
import { type Isolines, Scene } from "./scene"
import { type Cleanup, Sheet } from "./sheet"
import { make } from "./style"
import { type Action, type Tool, Toolbar, toolOf } from "./toolbar"
import { ViewBar } from "./view-bar"

export interface Data extends Fields {
  imageId: number
  base: number
  imageUrl: string
  heatUrl: string | null // without its level
  compare: { url: string; name: string } | null
  levels: string[]
  regions: number[][] // x, y, width, height: the most abnormal first
  width: number
  height: number
  mask: string | null
  ignore: string | null
  isolines: Isolines
  ahead: string[]
  ackRev: number
  stageHeight: number
}

export interface Commit extends Stored {
  imageId: number
  base: number
}

export interface Out {
  send: (commit: Commit) => void
  kind: (number: number) => void
}

const DEBOUNCE = 250
const STEP = 0.1 // of the level, for a notch of the wheel or a key

export class Editor {
  private sheet: Sheet
  private outbox: Outbox
  private tool: Tool = "brush"
  private radius: number
  private region = -1
  private last: { png: string; width: number; height: number } | null = null
  private points: Point[] = []
  private drawing: { pointer: number; from: Point; last: Point; value: 0 | 1 } | null = null
  private panning: { pointer: number; x: number; y: number } | null = null
  private space = false
  private over = false
  private timer: number | undefined
  private readonly box = make("div", { class: "stage", tabindex: "0", role: "application" })
  private readonly state = make("span", { class: "state", role: "status" })
  private readonly bar: Toolbar
  private readonly viewBar: ViewBar
  private readonly scene: Scene
  private readonly grower: Grower
  private readonly resizer: ResizeObserver
  private readonly abort = new AbortController()

  constructor(
    private readonly root: HTMLElement,
    private data: Data,
    private out: Out,
  ) {
    this.radius = Math.max(2, Math.round(Math.max(data.width, data.height) / 80))
    this.bar = new Toolbar({
      choose: (tool) => this.choose(tool),
      act: (action) => this.act(action),
      resize: (radius) => this.resizeBrush(radius),
      level: (step) => this.setStep(step),
      typed: (text) => this.typed(text),
    })
    this.viewBar = new ViewBar(
      () => this.look(),
      () => this.jump(),
    )
    this.box.setAttribute("aria-label", "Image with mask. Tools: V grow, B brush, E erase, P polygon, X box, F fill")
    const frame = make("div", { class: "frame" })
    frame.append(this.box, this.state)
    root.className = "editor"
    root.append(this.bar.row, frame, this.viewBar.row)
    this.scene = new Scene(this.box, data.stageHeight)
    this.grower = new Grower((rect) => this.scene.guide(rect))
    this.sheet = new Sheet(data.width, data.height)
    this.outbox = this.newOutbox()
    this.listen()
    this.resizer = new ResizeObserver(() => this.scene.resize())
    this.resizer.observe(this.box)
    this.open()
  }

  /** A rerun of the page: only what differs is taken over, so that a stroke in progress never notices. */
  update(data: Data, out: Out): void {
    this.out = out
    const before = this.data
    if (data.imageId !== before.imageId || data.base !== before.base || data.imageUrl !== before.imageUrl) {
      this.flush() // under the image that it was drawn on
      this.data = data
      this.outbox.stop()
      this.outbox = this.newOutbox()
      this.open()
      return
    }
    this.data = data
    this.outbox.ack(data.ackRev)
    if (!this.grower.has(data)) void this.read(data)
    this.look()
  }

  close(): void {
    this.flush()
    this.outbox.stop()
    this.abort.abort()
    this.resizer.disconnect()
    this.scene.close()
    this.root.replaceChildren()
  }

  private newOutbox(): Outbox {
    const { imageId, base } = this.data
    const outbox = new Outbox(`bgad-mask-${imageId}-${base}`, (entry) => {
      this.out.send({ imageId, base, ...entry })
      this.show()
    })
    outbox.ack(this.data.ackRev)
    return outbox
  }

  private open(): void {
    const { width, height, imageId, imageUrl } = this.data
    this.sheet = new Sheet(width, height)
    this.points = []
    this.drawing = null
    this.region = -1
    Object.assign(this.box.dataset, { ready: "false", image: String(imageId) })
    this.scene.open(width, height)
    this.scene.outline([])
    const stored = this.outbox.stored()
    const jobs: Promise<unknown>[] = [this.scene.image(imageUrl), this.look(), this.read(this.data)]
    const given = stored ? [stored.png, stored.ignore ?? null] : [this.data.mask, this.data.ignore]
    if (given[0] || given[1]) jobs.push(this.take(given[0], given[1], stored !== null))
    const opened = this.data
    void Promise.all(jobs).then(() => {
      if (this.data.imageId !== opened.imageId) return
      this.box.dataset.ready = "true"
      this.fetchAhead()
    })
    this.repaint(this.sheet.whole)
    this.show()
  }

  /** What is asked for next is in the browser's cache when it is opened. */
  private fetchAhead(): void {
    const level = `&level=${this.viewBar.view.level}`
    for (const url of this.data.ahead) void fetch(url.startsWith("/heatmap") ? url + level : url, { priority: "low" }).catch(() => null)
  }

  /** Start from these masks; what this tab had drawn and Python may not have seen is sent at once. */
  private async take(png: string | null, ignore: string | null, unseen: boolean): Promise<void> {
    const sheet = this.sheet
    if (!(await sheet.take(png, ignore)) || this.sheet !== sheet) return
    this.repaint(sheet.whole)
    if (unseen) this.commitSoon()
    this.show()
  }

  private async read({ logpUrl, scale, reach }: Fields): Promise<void> {
    await this.grower.open({ logpUrl, scale, reach })
    this.show()
  }

  /** Bring the scene to what the view's controls say. */
  private look(): Promise<void> {
    const { view } = this.viewBar
    const { heatUrl, compare, isolines } = this.data
    this.show()
    const level = `&level=${view.level}`
    this.scene.light(view.contrast, view.brightness)
    this.scene.opacity(view.opacity)
    this.scene.isolines(view.isolines ? isolines : {})
    this.scene.split(compare && view.comparing ? compare.url + level : null, view.split)
    return this.scene.heat(heatUrl && heatUrl + level)
  }

  private jump(): void {
    const { regions } = this.data
    if (regions.length === 0) return
    this.region = (this.region + 1) % regions.length
    const [x, y, width, height] = regions[this.region]
    this.scene.look(x, y, width, height)
    this.show()
  }

  private choose(tool: Tool): void {
    this.tool = tool
    this.points = []
    this.scene.outline([])
    this.show()
  }

  private act(action: Action): void {
    const { sheet } = this
    if (action === "undo" || action === "redo") {
      this.drawing = null
      const change = action === "undo" ? sheet.undo() : sheet.redo()
      if (change) this.changed(change.rect)
    } else if (action === "fit") this.scene.fit()
    else if (action === "copy") void this.copy()
    else if (action === "ignore") sheet.paint = sheet.paint === "defect" ? "ignore" : "defect"
    else if (action === "threshold") {
      this.changed(this.grower.threshold(sheet))
    } else this.changed(sheet.clean(action as Cleanup, this.bar.smallest))
    this.show()
  }

  private async copy(): Promise<void> {
    const { last, sheet } = this
    if (!last) return
    const pixels = await decode(last.png, sheet.defect.width, sheet.defect.height)
    if (pixels && this.sheet === sheet) this.changed(sheet.add(pixels))
  }

  private typed(text: string): boolean {
    const box = typedBox(text)
    if (box) this.changed(this.sheet.edit((mask) => mask.box(...box, 1)))
    return box !== null
  }

  private setStep(step: number): void {
    this.grower.level(step)
    this.changed(this.grower.regrow(this.sheet))
    this.show()
  }

  private get largest(): number {
    return Math.max(20, Math.round(Math.max(this.data.width, this.data.height) / 8))
  }

  private resizeBrush(radius: number): void {
    this.radius = Math.max(1, Math.min(this.largest, radius))
    this.show()
  }

  private show(): void {
    const { sheet, largest, radius, tool, data, region } = this
    const { step, ready: grow } = this.grower
    const { canUndo: undo, canRedo: redo } = sheet.history
    const copy = this.last?.width === data.width && this.last.height === data.height
    this.bar.show({ tool, radius, largest, step, ignoring: sheet.paint === "ignore", can: { undo, redo, grow, copy, threshold: grow } })
    this.viewBar.show({ levels: data.levels, compare: data.compare?.name ?? null, regions: data.regions.length, region })
    const pending = this.outbox.pending || this.timer !== undefined
    const [marked, ignored] = [sheet.defect.count(), sheet.ignore.count()]
    const parts = [marked > 0 ? `${marked.toLocaleString("en")} px marked` : "", ignored > 0 ? `${ignored.toLocaleString("en")} px don't care` : ""]
    const kept = pending ? "sending…" : marked + ignored > 0 ? "ready to save" : ""
    this.state.textContent = [...parts, kept].filter(Boolean).join(" · ")
    this.box.dataset.pending = String(pending)
    this.box.dataset.field = String(grow)
  }

  private listen(): void {
    const { signal } = this.abort
    const on = <E extends Event>(name: string, act: (event: E) => void, target: EventTarget = this.box): void =>
      target.addEventListener(name, act as EventListener, { signal, passive: false } as AddEventListenerOptions)
    on<PointerEvent>("pointerdown", (event) => this.down(event))
    on<PointerEvent>("pointermove", (event) => this.move(event))
    on<PointerEvent>("pointerup", (event) => this.up(event))
    on<PointerEvent>("pointercancel", (event) => this.up(event))
    on<PointerEvent>("pointerenter", () => this.hover(true))
    on<PointerEvent>("pointerleave", () => this.hover(false))
    on<MouseEvent>("dblclick", (event) => {
      event.preventDefault()
      this.closePolygon()
    })
    on<WheelEvent>("wheel", (event) => this.wheel(event))
    // A verdict by key or button must not overtake the stroke before it.
    const before = { signal, capture: true }
    for (const name of ["keydown", "pointerdown"]) window.addEventListener(name, () => this.flush(), before)
    on<KeyboardEvent>("keydown", (event) => this.key(event), window)
    on<KeyboardEvent>("keyup", (event) => event.code === "Space" && this.setSpace(false), window)
  }

  /** The wheel zooms; with Shift it moves the level that regions grow to. */
  private wheel(event: WheelEvent): void {
    event.preventDefault()
    if (this.tool === "grow" && event.shiftKey) this.setStep(this.grower.step + Math.sign(event.deltaY || event.deltaX) * STEP)
    else this.scene.zoom(Math.exp(-event.deltaY * 0.0015), event)
  }

  private hover(over: boolean): void {
    this.over = over
    if (!over) this.scene.pointer(null, this.radius)
  }

  private setSpace(on: boolean): void {
    this.space = on
    this.box.classList.toggle("panning", on)
  }

  private down(event: PointerEvent): void {
    this.box.focus({ preventScroll: true })
    if (event.button === 1 || this.space) {
      event.preventDefault()
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (event.button === 0 && !this.drawing) this.begin(this.scene.at(event), event.pointerId, event.altKey ? 0 : 1)
    this.box.setPointerCapture(event.pointerId)
  }

  private begin(point: Point, pointer: number, value: 0 | 1): void {
    if (this.tool === "grow") this.grow(point)
    else if (this.tool === "fill") this.fill(point)
    else if (this.tool === "polygon") this.corner(point)
    else {
      this.drawing = { pointer, from: point, last: point, value: this.tool === "erase" ? 0 : value }
      this.sheet.begin()
      if (this.tool !== "box") this.stroke(point, point)
    }
  }

  private move(event: PointerEvent): void {
    const point = this.scene.at(event)
    const brush = this.tool === "brush" || this.tool === "erase"
    this.scene.pointer(brush && this.over ? point : null, this.radius)
    if (this.panning?.pointer === event.pointerId) {
      this.scene.pan(event.clientX - this.panning.x, event.clientY - this.panning.y)
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (this.drawing?.pointer === event.pointerId) this.draw(event, this.drawing)
    else if (this.tool === "polygon" && this.points.length > 0) this.scene.outline([...this.points, point])
  }

  private draw(event: PointerEvent, drawing: { from: Point; last: Point }): void {
    if (this.tool === "box") {
      this.scene.outline(corners(drawing.from, this.scene.at(event)), true)
      return
    }
    const coalesced = event.getCoalescedEvents?.() ?? []
    for (const part of coalesced.length > 0 ? coalesced : [event]) {
      const next = this.scene.at(part)
      this.stroke(drawing.last, next)
      drawing.last = next
    }
  }

  private up(event: PointerEvent): void {
    if (this.panning?.pointer === event.pointerId) this.panning = null
    if (this.drawing?.pointer !== event.pointerId) return
    const { from, value } = this.drawing
    this.drawing = null
    const { sheet } = this
    if (this.tool === "box") {
      this.scene.outline([])
      const rect = sheet.layer.box(from, this.scene.at(event), value)
      sheet.history.touched(rect)
      this.repaint(rect)
    }
    if (sheet.history.end()) this.commitSoon()
    this.show()
  }

  private stroke(from: Point, to: Point): void {
    this.repaint(this.sheet.stroke(from, to, this.radius, this.drawing?.value ?? 1))
  }

  private repaint(rect: Rect): void {
    this.scene.repaint(this.sheet.defect, this.sheet.ignore, rect)
  }

  private changed(rect: Rect | null): void {
    if (!rect) return
    this.repaint(rect)
    this.commitSoon()
  }

  private grow(point: Point): void {
    const rect = this.grower.grow(this.sheet, point)
    if (rect) this.changed(rect)
    else this.state.textContent = "Nothing new below this level here: click inside an outline, lower the level, or use the brush"
  }

  private fill(point: Point): void {
    const rect = this.sheet.fill(point)
    if (rect === "open") this.state.textContent = "This area is open to the image's edge: close its outline first"
    else this.changed(rect)
  }

  private corner(point: Point): void {
    const first = this.points[0]
    const close = 8 / this.scene.scale
    if (first && this.points.length > 2 && Math.hypot(first[0] - point[0], first[1] - point[1]) < close) {
      this.closePolygon()
      return
    }
    const last = this.points[this.points.length - 1]
    if (!last || last[0] !== point[0] || last[1] !== point[1]) this.points.push(point)
    this.scene.outline(this.points)
  }

  private closePolygon(value: 0 | 1 = 1): void {
    const points = this.points
    this.points = []
    this.scene.outline([])
    if (points.length > 2) this.changed(this.sheet.edit((mask) => mask.polygon(points, value)))
    this.show()
  }

  private commitSoon(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), DEBOUNCE) as unknown as number
    this.show()
  }

  /** Hand the mask over now, if a commit was waiting for its pause. */
  private flush(): void {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    const [png, ignore] = this.sheet.encoded()
    this.last = { png, width: this.data.width, height: this.data.height }
    this.outbox.commit(png, ignore)
    this.show()
  }

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0]
    const typing = "input:not([type=range]), textarea, select, [contenteditable]"
    if (target instanceof HTMLElement && target.closest(typing)) return
    const key = event.key.toLowerCase()
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey
    if (plain && /^[1-9]$/.test(key)) {
      this.out.kind(Number(key))
      return
    }
    const mine = this.over || event.composedPath().includes(this.root)
    const alt = event.altKey && key !== "enter"
    if (!mine || alt || !this.did(event, key)) return
    event.preventDefault()
    event.stopPropagation()
  }

  /** Do what a key stands for; false when it stands for nothing here. */
  private did(event: KeyboardEvent, key: string): boolean {
    const step = Math.max(1, Math.round(this.radius / 5))
    const tool = toolOf(key)
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z") return false
      this.act(event.shiftKey ? "redo" : "undo")
    } else if (event.code === "Space") this.setSpace(true)
    else if (key === "[") this.resizeBrush(this.radius - step)
    else if (key === "]") this.resizeBrush(this.radius + step)
    else if (key === ",") this.setStep(this.grower.step - STEP)
    else if (key === ".") this.setStep(this.grower.step + STEP)
    else if (key === "0") this.scene.fit()
    else if (key === "i") this.act("ignore")
    else if (key === "j") this.jump()
    else if (key === "t" && this.grower.ready) this.act("threshold")
    else if (key === "enter" && this.points.length > 0) this.closePolygon(event.altKey ? 0 : 1)
    else if (key === "escape") this.choose(this.tool)
    else if (tool && (tool !== "grow" || this.grower.ready)) this.choose(tool)
    else return false
    return true
  }
}
