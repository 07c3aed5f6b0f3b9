"""`resift ingest` where paths are missing, or no file is left."""

from pathlib import Path

from resift.tests.server.in_process import Run


def test_missing_path_is_a_failure_that_tells_what_is_held_of_it_and_the_rest_is_done(
    run: Run, files: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    (gone / "bees.md").write_text("Bees make honey.")
    run("ingest", str(gone), str(files))
    (gone / "bees.md").unlink()
    kept = run("ingest", str(gone), "--dry-run")
    assert (kept.code, kept.err) == (0, "")
    assert "Kept although their files are gone or empty: 1 document. --prune removes them" in kept.out
    gone.rmdir()
    (files / "bees.md").write_text("Honey is sweet.")
    synced = run("ingest", str(gone), str(files), "--prune")
    assert (synced.code, synced.out) == (
        1,
        "default: 1 added, 0 updated, 1 unchanged, 0 removed, 1 failed; 1 passage written.\n",
    )
    filter_ = f'{{"path": {{"prefix": "{gone.as_posix()}/"}}}}'
    assert (
        "1 document of files below it is still in the collection. If you do not want it, delete with the filter "
        f"{filter_}."
    ) in synced.err
    alone = run("ingest", str(gone), "--prune")
    assert alone.code == 2
    assert filter_ in alone.err
    assert run("delete", "default", "--filter", filter_).out == "default: 1 document, 1 passage deleted.\n"
    (files / "bees.md").unlink()
    alone = run("ingest", str(files / "bees.md"))
    assert "1 document of it is still in the collection." in alone.err
    assert f'delete with the filter {{"path": "{(files / "bees.md").as_posix()}"}}.' in alone.err


def test_folder_that_stays_empty_is_in_step_with_prune_and_an_error_without(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    synced = run("ingest", str(tmp_path / "empty"), "--prune")
    assert (synced.code, synced.err) == (0, "  No files were found.\n")
    failed = run("ingest", str(tmp_path / "empty"))
    assert failed.code == 1
    assert failed.err.endswith("resift: Nothing was ingested into 'default'.\n")
    refused = run("ingest", str(tmp_path / "emtpy"), "--background")
    assert refused.code == 2
    assert "Did you mean" in refused.err
