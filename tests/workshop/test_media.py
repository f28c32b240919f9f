"""Do pictures, sound and moving pictures keep all that they hold, and is the rest refused instead of bent?"""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from preserve.formats.converters.beside_pixels import Beside, Target, finished
from preserve.formats.converters.pictures import upright
from preserve.formats.measuring import moving, pictures, sound
from preserve.formats.measuring.jp2_boxes import header
from preserve.formats.measuring.side import Side
from preserve.formats.streams import Stream, StreamKind
from preserve.formats.strict_validators import complaint
from preserve.model.formats.comparison import compare, verdict
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import FileVerdict
from preserve.model.formats.properties import Measured, Property
from preserve.model.formats.tool_runs import Result
from tests.formats.converters import require
from tests.workshop.bench import Bench, Passed

ALL = frozenset(Property)


def drawn(mode: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    picture = Image.new("RGB", size, (240, 230, 200))
    ImageDraw.Draw(picture).polygon([(2, 3), (30, 8), (12, 25)], (30, 90, 200), (200, 10, 10))
    return picture.convert(mode)


def through(bench: Bench, pathway: str, *files: Path) -> list[Passed]:
    """Each file converted, with nothing that stops it."""
    passed = bench.through(pathway, [bench.file(file, file.suffix, "") for file in files])
    assert [each.file.path for each in passed] == list(files), "all are converted"
    assert all(each.fate is FileFate.CONVERTED for each in passed), [
        (each.stopping, each.judged.validated) for each in passed
    ]
    return passed


def refusal(bench: Bench, pathway: str, file: Path) -> str:
    (outcome,) = bench.convert(pathway, [bench.file(file, file.suffix, "")])
    assert outcome.result is Result.FAILED and not outcome.files
    return outcome.evidence.complaints


def premultiplied(path: Path) -> None:
    """A TIFF whose tag 338 says so: the number in it is the only difference."""
    drawn("RGBA").save(path)
    tag = struct.pack("<HHIHH", 338, 3, 1, 2, 0)
    assert path.read_bytes().count(tag) == 1
    path.write_bytes(path.read_bytes().replace(tag, struct.pack("<HHIHH", 338, 3, 1, 1, 0)))


def ffmpeg(*words: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *map(str, words)], check=True)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("", "720x576"),
        ("1:1", "720x576"),
        ("16:15", "720x576 shown 768 wide"),
        ("59:54", "720x576 shown 787 wide"),
        ("787:720", "720x576 shown 787 wide"),
    ],
)
def test_how_wide_pictures_are_shown_is_part_of_their_size(shape: str, told: str) -> None:
    marks = {"sample_aspect_ratio": shape} if shape else {}
    stream = Stream(0, StreamKind.VIDEO, "dvvideo", "yuv420p", 720, 576, 0, 0, 0, "", marks)
    assert moving.size_of(stream) == told


def streams(video: Path) -> list[dict[str, object]]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(video)]
    found: list[dict[str, object]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[
        "streams"
    ]
    return found


def test_pages_depths_and_what_stands_beside_them_are_kept_in_png(bench: Bench, tmp_path: Path) -> None:
    require("vips", "pngcheck", "ffmpeg")
    pages, deep, turned = tmp_path / "pages.tif", tmp_path / "deep.tif", tmp_path / "turned.tif"
    told = {270: "扫描".encode(), 305: "scanner"}
    drawn("RGB").save(
        pages, save_all=True, append_images=[drawn("L"), drawn("1")], dpi=(300, 300), tiffinfo=told, compression="lzma"
    )
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=40x30", "-frames:v", "1", "-pix_fmt", "rgb48le", deep)
    drawn("L").save(turned, tiffinfo={274: 6})
    several, one, upright_ = through(bench, "tiff-to-png", pages, deep, turned)
    assert {each.verdict for each in (several, one, upright_)} == {FileVerdict.EQUAL}
    assert [made.name for made in several.made] == ["page-0001.png", "page-0002.png", "page-0003.png"]
    with Image.open(several.made[0]) as first, Image.open(several.made[2]) as third, Image.open(upright_.made[0]) as up:
        assert round(first.info["dpi"][0]) == 300 and first.getexif()[305] == "scanner"
        assert third.mode == "1"
        assert up.size == (30, 40) and up.info.get("dpi") is None, "no resolution is made up"
        assert ImageChops.difference(up, drawn("L").transpose(Image.Transpose.ROTATE_270)).getbbox() is None
    assert one.judged.before.values[Property.COLOUR_DEPTH] == 16


def test_dots_that_are_no_squares_stay_what_they_are(bench: Bench, tmp_path: Path) -> None:
    """Of a fax; of one that lies on its side; and of one whose dots were made squares by the conversion."""
    require("vips", "pngcheck", "ffmpeg")
    fax, turned = tmp_path / "fax.tif", tmp_path / "turned.tif"
    drawn("1").save(fax, dpi=(204, 98))
    drawn("L").save(turned, dpi=(200, 100), tiffinfo={274: 6})
    passed = through(bench, "tiff-to-png", fax, turned)
    assert [each.verdict for each in passed] == [FileVerdict.EQUAL] * 2
    told = [each.judged.after.values[Property.IMAGE_SIZES] for each in passed]
    assert told == [("40x30 at 204 by 98 dots",), ("30x40 at 100 by 200 dots",)]
    squared = passed[0].file.into / "squared.png"
    with Image.open(passed[0].made[0]) as image:
        image.save(squared, dpi=(98, 98))
    (judged,) = bench.judge("tiff-to-png", [(passed[0].file, [squared.name])])
    found = compare(bench.pathways["tiff-to-png"], judged.before, judged.after)
    assert verdict(found) is FileVerdict.STOPPED


@pytest.mark.parametrize(
    ("save", "why"),
    [
        (lambda path: drawn("CMYK").save(path), "colours of the kind CMYK"),
        (lambda path: drawn("L").convert("F").save(path), "colours of the kind F"),
        (lambda path: premultiplied(path), "transparency multiplied"),
        (lambda path: path.write_bytes(b"II*\0\x08\0\0\0"), ""),
    ],
)
def test_what_png_has_no_place_for_is_refused(
    bench: Bench, tmp_path: Path, save: Callable[[Path], object], why: str
) -> None:
    require("vips")
    save(tmp_path / "a.tif")
    assert why in refusal(bench, "tiff-to-png", tmp_path / "a.tif")


def test_a_picture_that_is_cut_off_fails_instead_of_ending_in_grey(bench: Bench, tmp_path: Path) -> None:
    require("vips")
    path = tmp_path / "a.jpg"
    drawn("RGB", (400, 300)).save(path, quality=95)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "Premature end" in refusal(bench, "jpeg-to-png", path)


def test_a_picture_whose_pixels_are_not_as_its_head_says_is_refused_in_a_sentence(bench: Bench, tmp_path: Path) -> None:
    require("vips")
    path = tmp_path / "a.bmp"
    drawn("L").save(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 30, 1)  # compressed in runs, which it is not
    path.write_bytes(content)
    assert refusal(bench, "bmp-to-png", path).startswith("the picture is damaged")


def test_a_picture_of_unbelievable_size_breaks_nothing(bench: Bench, tmp_path: Path) -> None:
    require("vips")
    path = tmp_path / "a.bmp"
    drawn("RGB").save(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<ii", content, 18, 2_000_000, 2_000_000)
    path.write_bytes(content)
    refusal(bench, "bmp-to-png", path)
    measured = pictures.measure(Side((path,), ".bmp", ""), ALL)
    assert measured.failed[Property.PIXELS] == pictures.TOO_LARGE


@pytest.mark.parametrize("tenths", [0, 1, 5, 8])
def test_what_is_cut_off_is_not_measured_and_raises_nothing(tmp_path: Path, tenths: int) -> None:
    require("ffmpeg")
    made = {}
    for ending in ("tif", "png", "jp2", "bmp", "jpg"):
        path = tmp_path / f"a.{ending}"
        drawn("RGB").save(path)
        made[path] = pictures.measure
    wave, video = tmp_path / "a.wav", tmp_path / "a.avi"
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", wave)
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=0.2:s=64x48", "-c:v", "mjpeg", video)
    flac = tmp_path / "a.flac"
    ffmpeg("-i", wave, flac)
    made |= {wave: sound.measure, flac: sound.measure, video: moving.measure}
    for path, measure in made.items():
        whole: Measured = measure(Side((path,), path.suffix, ""), ALL)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * tenths // 10])
        cut: Measured = measure(Side((path,), path.suffix, ""), ALL)
        # What is there of PCM is sound, and frames are pictures, as far as they go; but not all.
        content = (Property.PIXELS, Property.SAMPLES, Property.FRAMES)
        assert not whole.failed and all(
            cut.values.get(name) != whole.values[name] for name in content if name in whole.values
        ), path


def test_a_jp2_says_its_resolution_exactly_and_its_profile(bench: Bench, tmp_path: Path) -> None:
    require("vips", "ffmpeg")
    path = tmp_path / "a.tif"
    drawn("RGB").save(path, dpi=(400, 300), icc_profile=Path("/usr/share/color/icc/ghostscript/srgb.icc").read_bytes())
    (passed,) = through(bench, "tiff-to-jp2", path)
    told = header(passed.made[0])
    assert told is not None and told.dots == (400, 300) and len(told.profile) > 500
    assert passed.verdict is FileVerdict.EQUAL


def test_what_stands_beside_the_pixels_is_ours_alone(tmp_path: Path) -> None:
    drawn("RGB").save(tmp_path / "a.png", dpi=(72, 72))
    nothing = Beside(None, b"", b"", b"", b"")
    finished(Target.PNG, tmp_path / "a.png", nothing, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as made:
        assert "dpi" not in made.info and ImageChops.difference(made, drawn("RGB")).getbbox() is None


def test_exif_is_turned_upright_and_otherwise_left_as_it_is() -> None:
    exif = Image.Exif()
    exif[274], exif[271] = 6, "Maker"
    raw = exif.tobytes()
    changed = upright(raw)
    read = Image.Exif()
    read.load(changed)
    assert read[274] == 1 and read[271] == "Maker"
    assert sum(one != two for one, two in zip(changed, raw.removeprefix(b"Exif\0\0"), strict=True)) == 1


def test_flac_of_32_bits_is_stopped_since_ffmpeg_decodes_nothing_of_it(bench: Bench, tmp_path: Path) -> None:
    require("flac", "ffmpeg")
    path = tmp_path / "a.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", "-c:a", "pcm_s32le", path)
    (passed,) = bench.through("wav-to-flac", [bench.file(path, ".wav", "")])
    assert passed.fate is FileFate.STOPPED
    assert "nothing is decoded" in passed.judged.validated[0].text


def test_chunks_of_broadcast_wave_are_kept_byte_by_byte(bench: Bench, tmp_path: Path) -> None:
    require("flac", "ffmpeg")
    path = tmp_path / "a.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", "-write_bext", "1", "-metadata", "description=会议", path)
    (passed,) = through(bench, "wav-to-flac", path)
    chunks = passed.judged.after.values[Property.METADATA]
    assert isinstance(chunks, dict) and "bext" in chunks and passed.verdict is FileVerdict.EQUAL


def test_range_fields_tracks_and_times_are_kept_in_ffv1(bench: Bench, tmp_path: Path) -> None:
    require("ffmpeg", "mediaconch")
    full, fields, uneven = tmp_path / "full.avi", tmp_path / "fields.mpg", tmp_path / "uneven.mov"
    shown = ("-f", "lavfi", "-i", "testsrc=d=0.3:s=64x48:r=50")
    two = ("-f", "lavfi", "-i", "sine=d=0.3", "-f", "lavfi", "-i", "sine=d=0.3:f=900")
    ffmpeg(*shown, *two, "-map", "0", "-map", "1", "-map", "2", "-c:v", "mjpeg", "-c:a", "pcm_s16le", full)
    ffmpeg(
        *shown, "-vf", "tinterlace=interleave_top,setfield=tff", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", fields
    )
    ffmpeg(*shown, "-vf", r"select=not(eq(mod(n\,5)\,2))", "-fps_mode", "vfr", "-c:v", "mjpeg", "-an", uneven)
    one, other, third = through(bench, "video-to-ffv1", full, fields, uneven)
    pictures_, *tracks = streams(one.made[0])
    assert pictures_["color_range"] == "pc" and [each["codec_name"] for each in tracks] == ["flac", "flac"]
    assert str(streams(other.made[0])[0]["field_order"]).startswith("t")
    times = third.judged.after.values[Property.TIMES]
    assert isinstance(times, dict) and [*times.values()][:4] == ["0", "20", "60", "80"]
    assert times == third.judged.before.values[Property.TIMES]


def test_sound_begins_when_it_began_though_avi_counts_it_by_blocks(bench: Bench, tmp_path: Path) -> None:
    """A block of ADPCM lasts 46 ms: told in such units, sound in Matroska jumped forth and back by one."""
    require("ffmpeg", "mediaconch")
    blocks, late = tmp_path / "blocks.avi", tmp_path / "late.mov"
    shown = ("-f", "lavfi", "-i", "testsrc=d=1.2:s=64x48", "-itsoffset", "0.3", "-f", "lavfi", "-i", "sine=d=1.2")
    ffmpeg(*shown, "-c:v", "mjpeg", "-c:a", "adpcm_ms", blocks)
    ffmpeg(*shown, "-c:v", "mjpeg", "-c:a", "pcm_s16le", late)
    told = [each.judged.after.values[Property.TIMES] for each in through(bench, "video-to-ffv1", blocks, late)]
    heard = [[at for what, at in each.items() if "audio" in what] for each in told if isinstance(each, dict)]
    assert heard == [["0", "1000", "1200"], ["300", "1300", "1500"]], "each second, and the end"


def test_a_playlist_leads_ffmpeg_nowhere(bench: Bench, tmp_path: Path) -> None:
    require("ffmpeg")
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=0.1:s=64x48", "-c:v", "mjpeg", tmp_path / "other.avi")
    playlist = tmp_path / "a.avi"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/other.avi\n#EXT-X-ENDLIST\n")
    refusal(bench, "video-to-ffv1", playlist)


def test_validators_that_always_end_well_are_heeded_by_what_they_say(bench: Bench, tmp_path: Path) -> None:
    require("ffmpeg", "mediaconch")
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc=d=0.4:s=64x48",
        "-c:v",
        "ffv1",
        "-slicecrc",
        "1",
        "-level",
        "3",
        tmp_path / "a.mkv",
    )
    drawn("RGB").save(tmp_path / "a.jp2")
    for validator, name in (("mediaconch", "a.mkv"), ("ffmpeg", "a.mkv"), ("jpylyzer", "a.jp2")):
        whole = tmp_path / name
        assert complaint(validator, whole) == "", validator
        cut = tmp_path / f"cut-{name}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
        assert complaint(validator, cut) != "", validator
    flipped = bytearray((tmp_path / "a.mkv").read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (tmp_path / "a.mkv").write_bytes(flipped)
    assert "CRC" in complaint("ffmpeg", tmp_path / "a.mkv")
