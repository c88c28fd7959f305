// The mask editor: gestures and keys become edits of the sheet, and every edit goes to Python. The masks themselves are
// `raster.ts` and `regions.ts`, and never see a screen pixel.
import { typedBox } from "./gestures"
import { type Fields, Grower } from "./grower"
import { type Easel, Hand } from "./hand"
import { digit, penKey, press, typing } from "./keys"
import type { Drawn } from "./outbox"
import type { Point, Rect } from "./raster"
import { type Isolines, Scene } from "./scene"
import { type Commit, Sender } from "./sender"
import { type Cleanup, OWN, Sheet } from "./sheet"
import { make } from "./style"
import { type Action, type Tool, Toolbar } from "./toolbar"
import { ViewBar } from "./view-bar"
import { WHY, words } from "./words"

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
  numbers: string | null
  types: string[]
  isolines: Isolines
  ahead: string[]
  ackRev: number
  stageHeight: number
}

export interface Out {
  send: (commit: Commit) => void
  kind: (number: number) => void
}

const LATE = 2500 // milliseconds until an image that has not come is spoken of
const STEP = 0.1 // of the level, for a notch of the wheel or a key

export class Editor implements Easel {
  sheet: Sheet
  tool: Tool = "brush"
  radius: number
  readonly scene: Scene
  private region = -1
  private openedAt = 0
  private mine: Sheet | null = null // drawn on a label that somebody replaced meanwhile
  private readonly box = make("div", { class: "stage", tabindex: "0", role: "application" })
  private readonly state = make("span", { class: "state", role: "status" })
  private readonly bar: Toolbar
  private readonly viewBar: ViewBar
  private readonly grower: Grower
  private readonly hand: Hand
  private readonly sender: Sender
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
      pen: (number) => this.draws(number),
      type: (name) => this.draws(this.sheet.numberOf(name)),
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
    this.sheet = new Sheet(data.width, data.height, [...data.types])
    this.sender = new Sender((commit) => this.out.send(commit), () => this.sheet, () => this.show())
    this.hand = new Hand(this, this.box, this.abort.signal)
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
      this.sender.flush() // under the image that it was drawn on
      const drawn = data.imageId === before.imageId && this.sheet.history.canUndo
      this.mine = drawn ? this.sheet : null
      this.data = data
      this.open()
      return
    }
    this.data = data
    this.sender.ack(data.ackRev)
    if (!this.grower.has(data)) void this.read(data)
    this.look()
  }

  close(): void {
    this.sender.close()
    this.abort.abort()
    this.resizer.disconnect()
    this.grower.close()
    this.scene.close()
    this.root.replaceChildren()
  }

  private open(): void {
    const { width, height, imageId, base, ackRev, imageUrl, types, mask, ignore, numbers } = this.data
    const stored = this.sender.open(imageId, base, ackRev)
    this.sheet = new Sheet(width, height, [...types])
    this.hand.lift()
    this.region = -1
    Object.assign(this.box.dataset, { ready: "false", image: String(imageId) })
    this.openedAt = performance.now()
    setTimeout(() => this.show(), LATE)
    this.scene.open(width, height)
    this.hand.dropCorners()
    const jobs: Promise<unknown>[] = [this.scene.image(imageUrl), this.look(), this.read(this.data)]
    const given = stored ?? { png: mask ?? undefined, ignore: ignore ?? undefined, numbers: numbers ?? undefined, types }
    if (given.png || given.ignore) jobs.push(this.take(given, stored !== null))
    const opened = this.data
    void Promise.all(jobs).then(() => {
      if (this.data.imageId !== opened.imageId) return
      this.box.dataset.ready = "true"
      this.show()
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
  private async take(given: Partial<Drawn>, unseen: boolean): Promise<void> {
    const sheet = this.sheet
    if (!(await sheet.take(given)) || this.sheet !== sheet) return
    this.repaint(sheet.whole)
    if (unseen) this.sender.soon()
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

  jump(): void {
    const { regions } = this.data
    if (regions.length === 0) return
    this.region = (this.region + 1) % regions.length
    const [x, y, width, height] = regions[this.region]
    this.scene.look(x, y, width, height)
    this.show()
  }

  choose(tool: Tool): void {
    this.tool = tool
    this.hand.dropCorners()
    this.show()
  }

  act(action: Action): void {
    const { sheet } = this
    if (action === "undo" || action === "redo") {
      this.hand.lift()
      const change = action === "undo" ? sheet.undo() : sheet.redo()
      if (change) this.changed(change.rect)
    } else if (action === "fit") this.scene.fit()
    else if (action === "copy" && this.sender.last) this.changed(sheet.add(this.sender.last))
    else if (action === "mine" && this.mine) {
      this.changed(sheet.become(this.mine))
      this.mine = null
    }
    else if (action === "ignore") sheet.paint = sheet.paint === "defect" ? "ignore" : "defect"
    else if (action === "threshold") this.changed(this.grower.threshold(sheet))
    else this.changed(sheet.clean(action as Cleanup, this.bar.smallest))
    this.show()
  }

  /** From now on what is drawn is of the type with this number. */
  private draws(number: number): void {
    this.sheet.pen = number
    this.show()
  }

  private typed(text: string): boolean {
    const box = typedBox(text)
    if (box) this.changed(this.sheet.edit((mask) => mask.box(...box, 1)))
    return box !== null
  }

  notch(by: number): void {
    this.setStep(this.grower.step + by * STEP)
  }

  private setStep(step: number): void {
    this.grower.level(step)
    this.changed(this.grower.regrow(this.sheet))
    this.show()
  }

  private get largest(): number {
    return Math.max(20, Math.round(Math.max(this.data.width, this.data.height) / 8))
  }

  resizeBrush(radius: number): void {
    this.radius = Math.max(1, Math.min(this.largest, radius))
    this.show()
  }

  show(): void {
    const { sheet, largest, radius, tool, data, region } = this
    const { step, ready: grow } = this.grower
    const { canUndo: undo, canRedo: redo } = sheet.history
    const { last } = this.sender
    const copy = last !== null && last !== sheet && last.whole.width === data.width && last.whole.height === data.height
    const { paint, types, pen } = sheet
    const mine = this.mine !== null
    this.bar.show({ tool, radius, largest, step, ignoring: paint === "ignore", types, pen, can: { undo, redo, grow, copy, threshold: grow, mine } })
    this.viewBar.show({ levels: data.levels, compare: data.compare?.name ?? null, regions: data.regions.length, region })
    const { pending } = this.sender
    const late = this.box.dataset.ready === "false" && performance.now() - this.openedAt >= LATE
    this.state.textContent = words({ marked: sheet.summary(), pending, late, mine })
    this.box.dataset.pending = String(pending)
    this.box.dataset.field = String(grow)
  }

  private listen(): void {
    const { signal } = this.abort
    // A verdict by key or button must not overtake the stroke before it.
    const before = { signal, capture: true }
    for (const name of ["keydown", "pointerdown"]) window.addEventListener(name, () => this.sender.flush(), before)
    window.addEventListener("keydown", (event) => this.key(event), { signal })
  }

  repaint(rect: Rect): void {
    this.scene.repaint(this.sheet.defect, this.sheet.ignore, rect)
  }

  changed(rect: Rect | null): void {
    if (!rect) return
    this.repaint(rect)
    this.sender.soon()
  }

  click(tool: "grow" | "fill", point: Point): void {
    const rect = tool === "grow" ? (this.grower.grow(this.sheet, point) ?? "nothing") : this.sheet.fill(point)
    if (rect === "nothing" || rect === "open") this.state.textContent = WHY[rect]
    else this.changed(rect)
  }

  get canGrow(): boolean {
    return this.grower.ready
  }

  private key(event: KeyboardEvent): void {
    if (typing(event)) return
    const other = penKey(event)
    if (other !== null) this.draws(OWN + other)
    const number = digit(event)
    if (number !== null) {
      this.out.kind(number)
      return
    }
    const mine = this.hand.over || event.composedPath().includes(this.root)
    if (!mine || !press(this, this.hand, event)) return
    event.preventDefault()
    event.stopPropagation()
  }
}
