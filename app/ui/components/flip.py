"""Two versions' heat over one image, the seam between them moved by a slider."""

import streamlit as st


def flip(image_id: int, *, left: int, right: int, names: tuple[str, str], width: int, key: str) -> None:
    """Draw it; `left` and `right` are version ids, `names` stand above their sides.

    Both maps lie over the whole image and are cut at the seam, so that places stay where they are; the browser has
    both after the first look, and moving the seam loads nothing.
    """
    seam = st.slider("Seam", 0, 100, 50, key=key, label_visibility="collapsed", format="%d %%")
    layer = "position:absolute;inset:0;width:100%;height:100%;"

    def heat(version: int, cut: str) -> str:
        source = f"/heatmap/{image_id}?version={version}&longest=1024"
        return f'<img src="{source}" style="{layer}clip-path:inset({cut})" alt="">'

    st.html(
        f'<div style="display:flex;justify-content:space-between;max-width:{width}px">'
        f"<b>{names[0]}</b><b>{names[1]}</b></div>"
        f'<div style="position:relative;max-width:{width}px;line-height:0">'
        f'<img src="/image/{image_id}" style="width:100%" alt="the part">'
        f"{heat(left, f'0 {100 - seam}% 0 0')}{heat(right, f'0 0 0 {seam}%')}"
        f'<div style="position:absolute;top:0;bottom:0;left:{seam}%;border-left:2px solid #fff;'
        'box-shadow:0 0 0 1px #0008"></div></div>'
    )
