// The mask as colours over the photograph.
import type { Mask, Rect } from "./raster"

type Colour = readonly [number, number, number]

// Told apart by their stripes as well, which run another way for each: after Okabe and Ito for colour-blind eyes.
const TYPES: Colour[] = [
  [255, 167, 38],
  [171, 71, 188],
  [0, 158, 115],
  [240, 228, 66],
]
const OWN: Colour = [229, 57, 53]
const [FULL, THIN, PALE] = [170, 60, word([66, 165, 245], 130)]

/** The colour of what has this number, as a style sheet writes it. */
export function colourOf(number: number): string {
  return `rgb(${colour(number).join(" ")})`
}

function colour(number: number): Colour {
  return number < 2 ? OWN : TYPES[(number - 2) % TYPES.length]
}

function word([red, green, blue]: Colour, alpha: number): number {
  return new Uint32Array(new Uint8Array([red, green, blue, alpha]).buffer)[0]
}

const WORDS = Array.from({ length: 256 }, (_, number) => [word(colour(number), FULL), word(colour(number), THIN)])
WORDS[1] = [word(OWN, 130), word(OWN, 130)]

/** Whether a pixel lies on a stripe of this number: along rows, columns, or either diagonal. */
function striped(number: number, x: number, y: number): boolean {
  const way = [y, x, x + y, x - y + 4096 * 6][(number - 2) % 4]
  return way % 6 < 3
}

/** The pixels of a rectangle as RGBA words: what is abnormal filled or striped, what nobody judges hatched. */
export function tint(defect: Mask, ignore: Mask, rect: Rect): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(rect.width * rect.height)
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * defect.width + rect.x
    for (let column = 0; column < rect.width; column++) {
      const number = defect.data[start + column]
      const [x, y, at] = [rect.x + column, rect.y + row, row * rect.width + column]
      if (number) words[at] = WORDS[number][number < 2 || striped(number, x, y) ? 0 : 1]
      else if (ignore.data[start + column] && (x + y) % 4 < 2) words[at] = PALE // hatched: told apart without its colour
    }
  }
  return words
}
