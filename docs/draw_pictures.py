"""Draw the pictures of the gallery again, as ``docs/pictures.toml`` describes them.

``python docs/draw_pictures.py [NAME ...]`` runs the named models and circuits, or all of them (half an hour), and
writes ``docs/images/gallery``. The files are small: few colours, without loss.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "docs" / "_ext"))

from pictures import Picture, pictures  # noqa: E402

# Figures have few colours and no photographs; more would only keep the smoothing of lines.
_COLOURS, _WIDTH = 32, 1125


def draw(picture: Picture) -> Path:
    """Run what draws a picture, and keep it."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "figure.png"
        run = Path(folder) / "run"
        single = len(picture.commands("")) == 1
        for command in picture.commands(str(target if single else run)):
            subprocess.run([sys.executable, "-c", "from neurosim.cli import main; main()", *command], check=True)
        keep(target if single else run / "figures" / f"{picture.figure}.png", REPOSITORY / picture.path)
    return REPOSITORY / picture.path


def keep(figure: Path, path: Path) -> None:
    """Make a figure small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(figure) as opened:
        image = opened.convert("RGB")
        if image.width > _WIDTH:
            image = image.resize((_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS)
        image.quantize(_COLOURS).save(path, "webp", lossless=True, method=6)


def main() -> None:
    """Draw those that are named, or all."""
    found = pictures(REPOSITORY)
    for name in sys.argv[1:] or found:
        path = draw(found[name])
        print(f"{path} ({path.stat().st_size / 1000:.0f} kB)", flush=True)


if __name__ == "__main__":
    main()
