// What the editor says of itself, in words.

export const WHY = {
  nothing: "Nothing new below this level here: click inside an outline, lower the level, or use the brush",
  open: "This area is open to the image's edge: close its outline first",
}

export interface State {
  marked: string
  pending: boolean
  late: boolean // the image has not come for a while
  mine: boolean // strokes lie aside, because somebody saved another label meanwhile
}

export function words({ marked, pending, late, mine }: State): string {
  const kept = pending ? "sending…" : marked ? "ready to save" : ""
  const aside = mine ? "the label changed meanwhile: More brings back what you drew" : ""
  return [marked, kept, late ? "waiting for the server…" : "", aside].filter(Boolean).join(" · ")
}
