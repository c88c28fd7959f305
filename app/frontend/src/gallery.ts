// The ranked pool as tiles. Thumbnails load as they come into view; a click or Enter opens one.
import { asked } from "./asking"
import { adopt, type Host, make } from "./style"

// [id, name, score x 100 or null, standing, number of what a label would be for, verdict, held out]: arrays of numbers,
// because two hundred objects would repeat their words.
type Item = [number, string, number | null, number | null, number | null, (string | null)?, number?]

interface Data {
  items: Item[]
  purposes: string[]
  places: string[] // what is read out of each standing, in the order of STANDING
  heat: boolean
  version: number | null
  selected: number | null
  compact: boolean
  choosable: boolean // tiles without a label have a box to tick
}

// In the order of gallery.py: its name and its sign.
const STANDING = [
  ["normal", "●"],
  ["margin", "◐"],
  ["defect", "▲"],
]
const UNSCORED = ["", "○"]
const VERDICT: Record<string, string> = { normal: "✓ normal", defect: "✕ defect", unsure: "? unsure" }

const CSS = `
:host { display: block; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(148px, 1fr)); gap: 12px; font-family: var(--st-font);
  color: var(--st-text-color); }
.grid.compact { display: flex; overflow-x: auto; gap: 8px; padding: 2px; }
.tile { all: unset; box-sizing: border-box; cursor: pointer; border: 1px solid var(--st-border-color); border-radius: 10px;
  overflow: hidden; background: var(--st-secondary-background-color); display: flex; flex-direction: column; min-width: 0; }
.cell { position: relative; min-width: 0; display: grid; }
.cell input { position: absolute; right: 8px; top: 8px; width: 22px; height: 22px; margin: 0; accent-color: var(--st-primary-color); cursor: pointer; }
.compact .cell { flex: 0 0 76px; }
.compact .tile { flex: 0 0 76px; }
.tile:hover { border-color: var(--st-primary-color); }
.tile:focus-visible, .tile[aria-current="true"] { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.picture { position: relative; aspect-ratio: 1; background: #17191c; }
.picture img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.badge { position: absolute; left: 6px; top: 6px; padding: 1px 7px; border-radius: 9px; font-size: 11px; color: #fff;
  background: rgba(15, 17, 20, 0.78); }
.badge.defect { background: #b3261e; }
.facts { display: flex; justify-content: space-between; gap: 6px; padding: 6px 9px 1px; font-size: 14px;
  font-variant-numeric: tabular-nums; }
.standing.defect { color: var(--st-red-text-color, #d32f2f); }
.standing.margin { color: var(--st-orange-text-color, #b26a00); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.name { padding: 0 9px 7px; font-size: 12px; opacity: 0.7; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.compact .facts { padding: 2px 6px 3px; font-size: 12px; justify-content: center; }
.compact .name, .compact .badge { display: none; }
`

class Gallery {
  private data: Data | null = null
  private last: HTMLInputElement | null = null

  constructor(
    private readonly grid: HTMLElement,
    private open: (id: number) => void,
    private choose: (ids: number[]) => void,
  ) {
    grid.addEventListener("keydown", (event) => this.key(event))
  }

  update(data: Data, open: (id: number) => void, choose: (ids: number[]) => void): void {
    this.open = open
    this.choose = choose
    if (JSON.stringify(data) === JSON.stringify(this.data)) return
    this.data = data
    this.last = null
    this.grid.className = data.compact ? "grid compact" : "grid"
    this.grid.replaceChildren(...data.items.map((item) => this.cell(item, data)))
    this.grid.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest", inline: "center" })
  }

  private cell(item: Item, data: Data): HTMLElement {
    const cell = make("div", { class: "cell" })
    cell.append(this.tile(item, data))
    if (data.choosable && !item[5]) {
      const tick = make("input", { type: "checkbox", "aria-label": `Choose ${item[1]}`, "data-choose": String(item[0]) })
      tick.addEventListener("click", (event) => this.ticked(tick, event.shiftKey))
      cell.append(tick)
    }
    return cell
  }

  /** With Shift, everything between this tick and the last one becomes what this one is. */
  private ticked(tick: HTMLInputElement, range: boolean): void {
    const all = [...this.grid.querySelectorAll<HTMLInputElement>("input[data-choose]")]
    const ends = [all.indexOf(tick), range && this.last ? all.indexOf(this.last) : -1].filter((at) => at >= 0)
    for (const other of all.slice(Math.min(...ends), Math.max(...ends) + 1)) other.checked = tick.checked
    this.last = tick
    this.choose(all.filter((each) => each.checked).map((each) => Number(each.dataset.choose)))
  }

  private tile([id, name, score, standing, purpose, verdict, heldOut]: Item, data: Data): HTMLElement {
    const [place, sign] = standing === null ? UNSCORED : STANDING[standing]
    const words = standing === null ? "not scored" : data.places[standing]
    const shown = score === null ? "–" : (score / 100).toFixed(2)
    const title = `${name}: score ${shown}, ${words}${verdict ? `, labelled ${verdict}` : ""}`
    const tile = make("button", { class: "tile", type: "button", title, "data-id": String(id) })
    if (id === data.selected) tile.setAttribute("aria-current", "true")
    const picture = make("div", { class: "picture" })
    picture.append(pictured(`/thumb/${id}`))
    if (data.heat && data.version !== null && score !== null) picture.append(pictured(`/heatmap/${id}?version=${data.version}`))
    const said = verdict ? VERDICT[verdict] : heldOut ? "held out" : purpose === null ? "" : data.purposes[purpose]
    if (said) picture.append(make("span", { class: `badge ${verdict ?? ""}` }, said))
    const facts = make("div", { class: "facts" })
    const mark = make("span", { class: `standing ${place}`, "aria-hidden": "true" }, sign)
    facts.append(make("b", {}, shown), mark, make("span", { class: "spoken" }, words))
    tile.append(picture, facts, make("div", { class: "name" }, name))
    tile.addEventListener("click", () => this.open(id))
    return tile
  }

  private key(event: KeyboardEvent): void {
    const tiles = [...this.grid.querySelectorAll<HTMLElement>(".tile")]
    const at = tiles.indexOf(event.target as HTMLElement)
    if (at < 0) return
    const columns = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key]
    if (step === undefined) return
    event.preventDefault()
    tiles[Math.max(0, Math.min(tiles.length - 1, at + step))].focus()
  }
}

/** A picture that comes by itself when its server is back. */
function pictured(src: string): HTMLImageElement {
  const image = make("img", { src, alt: "", loading: "lazy", decoding: "async" })
  const again = async (): Promise<void> => {
    if (await asked(src, (answer) => answer.blob(), () => image.isConnected)) image.src = src
  }
  image.addEventListener("error", () => void again(), { once: true })
  return image
}

const galleries = new WeakMap<object, Gallery>()

export default function render({ data, parentElement, setTriggerValue, setStateValue }: Host<Data>): () => void {
  const open = (id: number): void => setTriggerValue("open", id)
  const choose = (ids: number[]): void => setStateValue("chosen", ids)
  let gallery = galleries.get(parentElement)
  if (!gallery) {
    const grid = make("div", { class: "grid", role: "group", "aria-label": "Parts" })
    parentElement.append(grid)
    adopt(grid, CSS)
    gallery = new Gallery(grid, open, choose)
    galleries.set(parentElement, gallery)
  }
  gallery.update(data, open, choose)
  return () => {
    parentElement.querySelector(".grid")?.remove()
    galleries.delete(parentElement)
  }
}
